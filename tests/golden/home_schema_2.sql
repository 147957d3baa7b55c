BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('2');
CREATE TABLE answer (
    request_sha VARCHAR NOT NULL,
    raw TEXT NOT NULL,
    cut BOOLEAN NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT answer_key PRIMARY KEY (request_sha)
) WITHOUT ROWID;
INSERT INTO "answer" VALUES('00ef12dea9727ddbe89783bd711c0ecbe31f064b067bb3ffe5a456713b2fc7d4','yellow',0,1795911219551963);
INSERT INTO "answer" VALUES('04809acbfef97ad66b6b7d72c44f041760a86da1c3d49009949b58d5689bd373','yellow',0,1795911229312313);
INSERT INTO "answer" VALUES('081bf4508e16aaeb30c61223bfde72386a5882259516f903dda3d0d1cae9242b','top',0,1795911219551963);
INSERT INTO "answer" VALUES('0b1bbd9e05649afb72348d47c55a74546d0cff1889146f08fec2bd7b1a77f317','tiv circle',0,1795911238984583);
INSERT INTO "answer" VALUES('0f2d50549812030514729b683450e2259cbae2d7f8ce50431bc6f395f4bfa325','yellow',0,1795911219551963);
INSERT INTO "answer" VALUES('113fa33bf4597e5b9242cd5c0b3339f40f06e8c51994d860b02bd03b2ee4860b','red',0,1795911244796435);
INSERT INTO "answer" VALUES('115b825ee2e060447ab3f9f3fbbe2dd3647bf3fffb5d472680599fb01278c389','orange ring',0,1795911238812135);
INSERT INTO "answer" VALUES('1180fbc99e1edf0b240be77cce8ecff5637e3b2e1dd633d1d447412251b4abd4','green circle',0,1795911238285999);
INSERT INTO "answer" VALUES('12d4bfa0ccee5f16c480bb0949bd70d2684bc14a6b57c01f464819141ac5fa4c','green triangle',0,1795911238441643);
INSERT INTO "answer" VALUES('1544f12f044927d80faa0b4572b214b006e1ccfeccb9e57f185751d133da3501','orange square',0,1795911239128503);
INSERT INTO "answer" VALUES('17002a3f84a9582bb96532017c728dc96c004c324f97780c5fa8d04ee9f10af2','red',0,1795911229312313);
INSERT INTO "answer" VALUES('193556a2f3707afa435aa153e3fb3638888d778d64a3242f8729ef0fe56d9a88','red circle',0,1795911238233899);
INSERT INTO "answer" VALUES('1a82dbf3fa87406585abc441d5917ae4932bf284b07a21f03f4e0db1a29fbf40','purple',0,1795911238652237);
INSERT INTO "answer" VALUES('1de7440b17abeeaf9a2ef900ca2a81e025e9b9b912e9ca6b65477ecf7bc156cc','yellow',0,1795911238812135);
INSERT INTO "answer" VALUES('1dfee88867dedf05c59bb3f2448a2e8191da14d085d7b9d811302c5c0e92a2c2','yellow triangle',0,1795911219551963);
INSERT INTO "answer" VALUES('2345966913cb61d7959323dee30c7b84db0aa6165cb8121303e0fa84b0ba8bb9','orange',0,1795911239128503);
INSERT INTO "answer" VALUES('240ccfdd52f31089396ae6413507d877b338c5c6256f5ca0bb70cdb5f4ac5392','yellow',0,1795911238760268);
INSERT INTO "answer" VALUES('2576a87972d44f79e7bca3a0675a329e53d8d3967feaf4815013a70b9029d273','tiv clov',0,1795911229255071);
INSERT INTO "answer" VALUES('2a7c80d4b11d3491270be52aa49e00939848cd08010c09de39a22f5bc4723937','green',0,1795911239180363);
INSERT INTO "answer" VALUES('2c312044dcc114294413cb7b8265a5529c7b98f68fdba384951e05c3d2fbad55','blick quax',0,1795911219517971);
INSERT INTO "answer" VALUES('2cc828c49c022cabd728068083d76071e6dfdb0381d7ae58d082429ebfd1724d','red triangle',0,1795911238812135);
INSERT INTO "answer" VALUES('347d993d8778fb636ad2df86bf61a70983502d94f611b056d40ac4e34ecd019c','yellow',0,1795911219551963);
INSERT INTO "answer" VALUES('365040c0cb787bb2742ac35e32afa9bab7f95a4211c96891a866dfae834697fd','orange',0,1795911238600268);
INSERT INTO "answer" VALUES('368cb3776145ca7525be59d2470460cbff3d55ab40bc61ebde57d03d19644047','top',0,1795911238389686);
INSERT INTO "answer" VALUES('373fc139bf2857741c823346076983a45218debd0fc877bf2345ccf80d154e7b','blue',0,1795911238441643);
INSERT INTO "answer" VALUES('3c45fcb1d2ac2a797c371dc5f60de15d9f99d09146e5d1e32148f953681d25c2','right',0,1795911229312313);
INSERT INTO "answer" VALUES('3fca043f781c8ae9f758059304f09103738ff36dc2dd3bd87727bc6ef3c70312','tiv clov',0,1795911229255071);
INSERT INTO "answer" VALUES('40ef562dbbcbf34d7d70c07f38cd76a57fd279734711c06c9110885b08adfd88','right',0,1795911238182016);
INSERT INTO "answer" VALUES('41618dc3550b938d22292c9723aa931e130d08de7a366f4065384465a8b96841','purple',0,1795911219551963);
INSERT INTO "answer" VALUES('421dfdf33e607114d19cd7e1851c207b097dc1fbbd276a592fbe60679732375b','left',0,1795911238548329);
INSERT INTO "answer" VALUES('44b5a44ec3e93b6d2584bdff841e42019850e6fac4e77c67997895c0efe38792','red',0,1795911232771129);
INSERT INTO "answer" VALUES('4515c1fe9339637c1ca130fed682d802f835b35cbf54103a42658d28bc7e743c','blue cross',0,1795911219551963);
INSERT INTO "answer" VALUES('475628e50615516e49747e65321a994f09fda41063285460d1f63f62b4cf034b','green',0,1795911238548329);
INSERT INTO "answer" VALUES('48b8f0dba26eceff6f71da8c0b30456599c2ecfe1bcc23c72e161e1ddf85cc33','yellow',0,1795911238285999);
INSERT INTO "answer" VALUES('493778959e0234bbe48d1dc03afb79101455b95c6570a0ea511bfb3e2a0f0a9e','pran triangle',0,1795911239180363);
INSERT INTO "answer" VALUES('4aeecf356a0f0dec3205eed0a7dff8d492996ddf1de104287c502b128fae0b8d','bottom',0,1795911219517971);
INSERT INTO "answer" VALUES('4b5fd9ba5330c9f3f08ac3a38d2240f0ca5e3da7418878b0508804b8d8eedf03','right',0,1795911238812135);
INSERT INTO "answer" VALUES('4baa114a7d55dad8477417a3996c6e0fb90f98e11b32acccd0db3c3b41d8f615','red square',0,1795911238337880);
INSERT INTO "answer" VALUES('4eb1b320d3c5814f79cc18c675368b2c9493a7dccdc3b36d57b062d1f06cb312','ring',0,1795911238441643);
INSERT INTO "answer" VALUES('4ef7e98c909656efe30e79587545c61139bd7e2308b0c8040a8f7a60bfdbbb2b','square',0,1795911238867379);
INSERT INTO "answer" VALUES('4fb40751cc1befb091a6afd49f6de0f887693cadcef35b1aea8788b451c2f66a','lorp',0,1795911238389686);
INSERT INTO "answer" VALUES('4fe0d82b019ffa1e88e7b3d3bdafbf76cd97005ea2c1a7280fc79f1872374806','tiv fep',0,1795911219517971);
INSERT INTO "answer" VALUES('551898448e445dbf62905a1c8b4ea1f9e584fd32f1c0a3b8d5ea01f15696a420','square',0,1795911238867379);
INSERT INTO "answer" VALUES('56b2a39aa0ae3ca997fb7dd83b5fc09b358a2cfc2b861576f75af6b86e9c0dda','triangle',0,1795911219551963);
INSERT INTO "answer" VALUES('5712aa2fe6d822d9c91b398e04a64d4d9f75471f7bdc83b38db6341bb97cae82','bottom',0,1795911238867379);
INSERT INTO "answer" VALUES('57f2d81eba2ddb07b5a8152d7d8a74e2f1eac6f6fa0d122172696f579fa7933d','yellow ring',0,1795911238127246);
INSERT INTO "answer" VALUES('5b9a7619a6131e4a7c1614195fd50e35b4afe2ce88f7a45ad50e975f88cbcef3','yellow',0,1795911229325754);
INSERT INTO "answer" VALUES('5bb7cfe198804b091c51f3b33a8fd12e8bb37f28d2db4672634ca99cfe2dfddb','right',0,1795911229255071);
INSERT INTO "answer" VALUES('5dab76d706740faebc3f07e7143af5ddab2a9cc7dce7a7b9bc99296fc41a880c','yellow cross',0,1795911219551963);
INSERT INTO "answer" VALUES('60bbd9ff522016d1eec0ce532a96c05715e9d1f0184d5cb67f3bd65c36b28401','tiv',0,1795911219517971);
INSERT INTO "answer" VALUES('6236aac626447d44f655b42253b23de4ff83e3ae89cb3768398c3784f96b6f62','yellow',0,1795911238600268);
INSERT INTO "answer" VALUES('628ec68d8faef3678e6535f17ac3706267b69ad21bdc4f65a07a04c88512a0b0','tiv cross',0,1795911219517971);
INSERT INTO "answer" VALUES('62c82438a57f53a8cedc0299648f1bd0f7ff07b77e45266f52ff3fbd3039e176','red',0,1795911244812270);
INSERT INTO "answer" VALUES('62fea8f857a6323d7986c4fa8bf3d3ce4810b1a05c9841e6223ae193aaca8c87','red',0,1795911232778107);
INSERT INTO "answer" VALUES('63b2533f977c6952b5126dfdaa098c35b789785e0afad38283fa0350f5d44b02','ring',0,1795911238760268);
INSERT INTO "answer" VALUES('65efcf46d6e377b037d2d4a94b50ca4169c68dac1efd902b19d778c15e851cb7','orange',0,1795911238182016);
INSERT INTO "answer" VALUES('65f39f26434e02200228d9711189a5bc01eb60eaacb6b68234ea7cbd060be1b4','red square',0,1795911239076711);
INSERT INTO "answer" VALUES('66d27a362245c650e65472e89235fb094983ec9b22fc4f2c05d7d231778bb2d6','kiki fep',0,1795911238548329);
INSERT INTO "answer" VALUES('6781bf0b5239d867acf3539a79d28da1ed3fa945db463c19484a33fc67e9e7db','blick',0,1795911238924340);
INSERT INTO "answer" VALUES('67fcbd70cb4377bb97db81b2098721921b4cad2c40f4606882ad7ff9c919b703','blue',0,1795911238812135);
INSERT INTO "answer" VALUES('6a34b46734a7a917690baa3fba0bad9c8f5781ec72054af9587306b283df1d07','red',0,1795911219551963);
INSERT INTO "answer" VALUES('6b3bb4478cb3e67aeb735ebf1cd9fe842c7b9cb30ec1851b8d5c36755d21c3c1','red',0,1795911238652237);
INSERT INTO "answer" VALUES('6d0fc4cba420eb144f3375f0c90288ef3259e2b9b8c44d86e17984286f15c192','top',0,1795911238708419);
INSERT INTO "answer" VALUES('75f6704e479dad7f11050f555b5b33e3578c7cba5a63efda877d9c9a14df0e1e','tiv clov',0,1795911229255071);
INSERT INTO "answer" VALUES('78b89d1a77aaa588d3b4389c32cdca573df49f9a508c92d0131417196eaa27ce','red',0,1795911229312313);
INSERT INTO "answer" VALUES('7aa173d3d7bc5fd03c5054b214b5d103e265b742426672e8911cb106d5cfab0c','yellow cross',0,1795911239180363);
INSERT INTO "answer" VALUES('7c085341cb7c70ce735b54ddd972e2ab895ed1285c513a88c0946b540e0b7a4b','red',0,1795911229312313);
INSERT INTO "answer" VALUES('7d3b513f616324b7086abfb19c528d26b9019b54c53bec9ee3381a9b1c7f6f49','triangle',0,1795911238867379);
INSERT INTO "answer" VALUES('7ecbc6a71bab85982a474398563717bd7947f3178b172afeebe7e3208b4a3e60','gleb yub',0,1795911219517971);
INSERT INTO "answer" VALUES('7fafe694582ae7a2d2597d79c9560cae5a2b2afdd5ac98c9278b091d5b3d5676','yellow',0,1795911229255071);
INSERT INTO "answer" VALUES('8138820212a5c0823adb03b846d5a1b13774c7f4f92ae247fbf71215794d2f0d','red',0,1795911232778107);
INSERT INTO "answer" VALUES('83891a4fba1113f73aa3c594937de72612231d0a08d35b9c5a5df684aa198d1a','triangle',0,1795911238600268);
INSERT INTO "answer" VALUES('8707f3fbfe19268fea300109a6ee482d605b52ca554902640dc9201e2c2ed14c','yellow',0,1795911238182016);
INSERT INTO "answer" VALUES('87e27eb1d48d03118cb87ff14cd9b34144d770aef64be9c8ab36749cda5e5947','triangle',0,1795911239128503);
INSERT INTO "answer" VALUES('89cee8cc575bf418fd89d3066e9f1567dbe814976bb1c87f54a59352eb2cce00','yellow circle',0,1795911229312313);
INSERT INTO "answer" VALUES('8e64d7cd843aa0a9d880a46a80c5873facecd1e2cba4a37b2864844eff392eba','yellow',0,1795911238493522);
INSERT INTO "answer" VALUES('9162a2f831ef4328b691611938c952223f4a9f375af85b5b7f6b8ef98d7af445','triangle',0,1795911238285999);
INSERT INTO "answer" VALUES('9463fcb4a9ad810da47c8dd7a41fa774845be0ba99654aa56cb1671bb49afdc8','tiv',0,1795911219551963);
INSERT INTO "answer" VALUES('94f3fa76d3711e8eafc7463b45e98d573761bf23f52c5c15b8d9c692edfbe7bd','tiv',0,1795911229325754);
INSERT INTO "answer" VALUES('9a735a81948a6dd08f2c30515b3d48ff1d3cad887e433ae27e08f32156103a38','red',0,1795911232776831);
INSERT INTO "answer" VALUES('9af75acf2e9a390ef822f2a04714354acbbf9067d486dada8e353aa1ea5df99d','orange',0,1795911238233899);
INSERT INTO "answer" VALUES('9b27ea79289f0e789fd2ba3ba046f2084efc331b6f50ce65c8064e51470e9713','circle',0,1795911219551963);
INSERT INTO "answer" VALUES('9c0e7b1ebc8ab4d14ecfeb7ffaccca0ada1883671c17434502c14dcef75a70ff','ring',0,1795911238441643);
INSERT INTO "answer" VALUES('9c69d6527acfb2c160680de8b971c23f36a66d95047e62c50dad9c4ae378bdf5','wug',0,1795911238233899);
INSERT INTO "answer" VALUES('a351f51c440a0bf475ded45e853fa182337ebc3106024728fd3c099ecc9afbd7','red',0,1795911232776831);
INSERT INTO "answer" VALUES('a564968319b5fbc7d0fad3240285139d28790d9cfaac751b7a790d7a958de9da','tiv',0,1795911229255071);
INSERT INTO "answer" VALUES('b0c9644600e173c050813484b76f3b4b468559d82bf46de7f7fec9580f34fa2b','red',0,1795911244788508);
INSERT INTO "answer" VALUES('b333b56572bec5addf5ac6ebd6b74d90cafa91f6b23509cbe90b8b4f74b028cc','purple square',0,1795911219551963);
INSERT INTO "answer" VALUES('b5c5acdb388728ab213f35f67e1f9a7acc6acac8f798f861a9a6013e51dd71e2','left',0,1795911238548329);
INSERT INTO "answer" VALUES('b80292c53e0681478b3e7a747546ad9844eb08adcc487832672875bfca2ef310','green',0,1795911238285999);
INSERT INTO "answer" VALUES('ba6743ca82b5549bc5c2de1afefbbcae6b26fc77e9b8787cb1bfabb09062f098','right',0,1795911229312313);
INSERT INTO "answer" VALUES('baf300caafd935c7660be9cc3d3cccc73b6f7463fa1e42eb87a1571837a8524d','purple jeb',0,1795911238182016);
INSERT INTO "answer" VALUES('bb47a9cce9953c4bbbdb589698a263852dd1fef9697a7ca5a601e2ccacd232ca','yellow',0,1795911219551963);
INSERT INTO "answer" VALUES('c7f01d6253f322442087825f2f818c2e2fc83098b59bad1ec689d185dc8ba26a','red circle',0,1795911238760268);
INSERT INTO "answer" VALUES('c93dc47c4308325abbf8d8d49da36c8cd116a71d63c4ea99be107bae2c9eacee','yellow',0,1795911238337880);
INSERT INTO "answer" VALUES('ca330d625aa3a1c713694823ab46db63ec20488a82de1a92eaf861eefe6a7e8f','top',0,1795911219551963);
INSERT INTO "answer" VALUES('cadd86fcb3046176012bcde3bc5b8c0d69ca986c25f3bd5b740e292f952cf291','square',0,1795911238233899);
INSERT INTO "answer" VALUES('d0a36869f277457fb381076b556e56106b86c37e8c78431643616c7a32696be6','red triangle',0,1795911238760268);
INSERT INTO "answer" VALUES('d0d739abbcca8632a0c9a7cd6222c979f100d27d4882264be08827c1dfb3734c','yellow',0,1795911229312313);
INSERT INTO "answer" VALUES('d3cda28bcba5c426d012e44baff1dedfaff789d00d05301a01b8912e831290a9','red',0,1795911232778107);
INSERT INTO "answer" VALUES('d5fb01c000d9c0af6b9ef449cac642f661d10a85bf6fe10c8fa307f79ec8b24c','blue',0,1795911238867379);
INSERT INTO "answer" VALUES('de7d8092f56ac55da8232b9aa91617a300af17a4c7823d28c69533a465ea98be','circle',0,1795911238389686);
INSERT INTO "answer" VALUES('e0ef1f532dc34e9847e783222a1bdd713d29dee1708f4ccda8b082ac0642abb6','red square',0,1795911238867379);
INSERT INTO "answer" VALUES('e38927756dffd21752a8fddbc19551e9c6ae9aa4453cb828a88618d8b617e312','ring',0,1795911238285999);
INSERT INTO "answer" VALUES('e5dca83cf98776cc5022496f2dda411f134e0fc042e4fb56951981cbd47e0747','yub',0,1795911219517971);
INSERT INTO "answer" VALUES('e6c9d2e2a5d64e9474ffaf6a2a4fa25fbf5724ae46681cf7bff83a668d89014e','orange',0,1795911238600268);
INSERT INTO "answer" VALUES('eeff9bbb48a45773632c0e627223710956afd51230fb1aa638ef96ac7094bcd3','yellow circle',0,1795911238389686);
INSERT INTO "answer" VALUES('ef59288c29fd60ab6c1dc97961b6a3ab33bfa08b66428eaab5956637a226b265','circle',0,1795911238812135);
INSERT INTO "answer" VALUES('f1f7e6b5c90c90581529a86ffc6b8dcbeb8c7b1072e9e7eb422468d6b7bc722e','tiv clov',0,1795911229255071);
INSERT INTO "answer" VALUES('f22549ae6e52e4a0fe1e8df9298176fed917327886165b5ed90d1a88f69d8906','yellow',0,1795911219517971);
INSERT INTO "answer" VALUES('f3151553f58ff254ae39734de9822c687b6aae6d0798dd8ba93f558574a906ec','triangle',0,1795911219551963);
INSERT INTO "answer" VALUES('f4f450cf8aff983a30d434326ade2c5a06d3bb8a497872a3cece66805228f3c2','tiv clov',0,1795911229255071);
INSERT INTO "answer" VALUES('fca35a02d0affe326b286c6c632ef7bae99e42661b554f8f038c383de6b5728f','red',0,1795911244804385);
CREATE TABLE artifact (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    facts TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT artifact_unique_run_id_path UNIQUE (run_id, path),
    CONSTRAINT artifact_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "artifact" VALUES(1,3,'rl-data','{HOME}/runs/r3/rl_data.json','186a0e08fed1ccc79fbcdfd7ee5c120eab7a0c8e0fed310be941fa6644d6a7d9','{"candidates":18,"positive_rate":0.5555555555555556,"predicted_advantage_std":1.0,"queries":3,"query_positive_rate":1.0,"signal_rate":1.0}',1795911229325754);
CREATE TABLE candidate (
    id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    query_id INTEGER NOT NULL,
    pointer VARCHAR NOT NULL,
    process_id INTEGER,
    method VARCHAR NOT NULL,
    request_sha VARCHAR NOT NULL,
    raw TEXT NOT NULL,
    answer TEXT NOT NULL,
    score FLOAT NOT NULL,
    beam_rank INTEGER,
    beam_score FLOAT,
    logprob_score FLOAT,
    temperature FLOAT,
    similarity FLOAT,
    created_at INTEGER NOT NULL,
    CONSTRAINT candidate_key PRIMARY KEY (id),
    CONSTRAINT candidate_unique_run_id_query_id_pointer UNIQUE (run_id, query_id, pointer),
    CONSTRAINT candidate_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "candidate" VALUES(1,3,978,'[274,112]',3,'retrieval','2576a87972d44f79e7bca3a0675a329e53d8d3967feaf4815013a70b9029d273','tiv clov','tiv clov',1.0,NULL,NULL,NULL,NULL,0.9446305,1795911229255071);
INSERT INTO "candidate" VALUES(2,3,978,'[257,112]',3,'retrieval','3fca043f781c8ae9f758059304f09103738ff36dc2dd3bd87727bc6ef3c70312','tiv clov','tiv clov',1.0,NULL,NULL,NULL,NULL,0.94377,1795911229255071);
INSERT INTO "candidate" VALUES(3,3,978,'[257,274]',3,'retrieval','f4f450cf8aff983a30d434326ade2c5a06d3bb8a497872a3cece66805228f3c2','tiv clov','tiv clov',1.0,NULL,NULL,NULL,NULL,0.9426255,1795911229255071);
INSERT INTO "candidate" VALUES(4,3,978,'[252,112]',3,'retrieval','f1f7e6b5c90c90581529a86ffc6b8dcbeb8c7b1072e9e7eb422468d6b7bc722e','tiv clov','tiv clov',1.0,NULL,NULL,NULL,NULL,0.9359075,1795911229255071);
INSERT INTO "candidate" VALUES(5,3,978,'[252,274]',3,'retrieval','75f6704e479dad7f11050f555b5b33e3578c7cba5a63efda877d9c9a14df0e1e','tiv clov','tiv clov',1.0,NULL,NULL,NULL,NULL,0.934763,1795911229255071);
INSERT INTO "candidate" VALUES(6,3,608,'[604,890]',3,'retrieval','5bb7cfe198804b091c51f3b33a8fd12e8bb37f28d2db4672634ca99cfe2dfddb','right','right',1.0,NULL,NULL,NULL,NULL,0.892984,1795911229255071);
INSERT INTO "candidate" VALUES(7,3,933,'[565,103]',3,'retrieval','a564968319b5fbc7d0fad3240285139d28790d9cfaac751b7a790d7a958de9da','tiv','tiv',1.0,NULL,NULL,NULL,NULL,0.896952,1795911229255071);
INSERT INTO "candidate" VALUES(8,3,933,'[250,103]',3,'retrieval','7fafe694582ae7a2d2597d79c9560cae5a2b2afdd5ac98c9278b091d5b3d5676','yellow','yellow',0.0,NULL,NULL,NULL,NULL,8.95899500000000070798e-01,1795911229255071);
INSERT INTO "candidate" VALUES(9,3,933,'[959,103]',3,'retrieval','04809acbfef97ad66b6b7d72c44f041760a86da1c3d49009949b58d5689bd373','yellow','yellow',0.0,NULL,NULL,NULL,NULL,8.86678000000000077207e-01,1795911229312313);
INSERT INTO "candidate" VALUES(10,3,978,'[671,994]',3,'random','89cee8cc575bf418fd89d3066e9f1567dbe814976bb1c87f54a59352eb2cce00','yellow circle','yellow circle',0.0,NULL,NULL,NULL,NULL,NULL,1795911229312313);
INSERT INTO "candidate" VALUES(11,3,608,'[459,781]',3,'random','3c45fcb1d2ac2a797c371dc5f60de15d9f99d09146e5d1e32148f953681d25c2','right','right',1.0,NULL,NULL,NULL,NULL,NULL,1795911229312313);
INSERT INTO "candidate" VALUES(12,3,933,'[473,296]',3,'random','d0d739abbcca8632a0c9a7cd6222c979f100d27d4882264be08827c1dfb3734c','yellow','yellow',0.0,NULL,NULL,NULL,NULL,NULL,1795911229312313);
INSERT INTO "candidate" VALUES(13,3,608,'[429,890]',3,'retrieval','7c085341cb7c70ce735b54ddd972e2ab895ed1285c513a88c0946b540e0b7a4b','red','red',0.0,NULL,NULL,NULL,NULL,0.921216,1795911229312313);
INSERT INTO "candidate" VALUES(14,3,608,'[754,890]',3,'retrieval','ba6743ca82b5549bc5c2de1afefbbcae6b26fc77e9b8787cb1bfabb09062f098','right','right',1.0,NULL,NULL,NULL,NULL,0.8958665,1795911229312313);
INSERT INTO "candidate" VALUES(15,3,608,'[665,890]',3,'retrieval','17002a3f84a9582bb96532017c728dc96c004c324f97780c5fa8d04ee9f10af2','red','red',0.0,NULL,NULL,NULL,NULL,8.95323499999999938836e-01,1795911229312313);
INSERT INTO "candidate" VALUES(16,3,608,'[867,890]',3,'retrieval','78b89d1a77aaa588d3b4389c32cdca573df49f9a508c92d0131417196eaa27ce','red','red',0.0,NULL,NULL,NULL,NULL,0.885146,1795911229312313);
INSERT INTO "candidate" VALUES(17,3,933,'[841,103]',3,'retrieval','94f3fa76d3711e8eafc7463b45e98d573761bf23f52c5c15b8d9c692edfbe7bd','tiv','tiv',1.0,NULL,NULL,NULL,NULL,8.85450000000000070343e-01,1795911229325754);
INSERT INTO "candidate" VALUES(18,3,933,'[906,103]',3,'retrieval','5b9a7619a6131e4a7c1614195fd50e35b4afe2ce88f7a45ad50e975f88cbcef3','yellow','yellow',0.0,NULL,NULL,NULL,NULL,8.89683999999999919339e-01,1795911229325754);
CREATE TABLE cell (
    run_id INTEGER NOT NULL,
    shot INTEGER NOT NULL,
    subset_id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    n_done INTEGER NOT NULL,
    accuracy FLOAT,
    ci_low FLOAT,
    ci_high FLOAT,
    shots_used TEXT NOT NULL,
    distinct_sets INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT cell_key PRIMARY KEY (run_id, shot, subset_id),
    CONSTRAINT cell_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE,
    CONSTRAINT cell_refers_subset_id FOREIGN KEY(subset_id) REFERENCES subset (id) ON DELETE CASCADE
) WITHOUT ROWID;
INSERT INTO "cell" VALUES(1,0,1,12,12,1.66666666666666642981e+01,4.69651417569208184943e+00,4.4803086461181109712e+01,'{"0":12}',1,1795911219551963);
INSERT INTO "cell" VALUES(1,2,1,12,12,8.83333333333333285946e+01,6.06989238691712529316e+01,9.7376535398424550749e+01,'{"2":12}',12,1795911219551963);
INSERT INTO "cell" VALUES(4,0,3,6,6,0.0,0.0,3.90334291656373437717e+01,'{"0":6}',1,1795911232781287);
INSERT INTO "cell" VALUES(5,2,4,150,61,3.70491803278688536238e+01,2.49329350180143798358e+01,4.91654256377233238577e+01,'{"2":150}',150,1795911239308296);
CREATE TABLE checkpoint (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    path VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    phase VARCHAR NOT NULL,
    epoch INTEGER NOT NULL,
    parameters INTEGER NOT NULL,
    is_best BOOLEAN NOT NULL,
    metrics TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    replaced_at INTEGER,
    CONSTRAINT checkpoint_unique_run_id_path_sha256 UNIQUE (run_id, path, sha256),
    CONSTRAINT checkpoint_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "checkpoint" VALUES(1,2,'{HOME}/runs/r2/checkpoints/rce_best.safetensors','f7c0fac25e7fe8257a78153488a45d4dd556d3ea5253fe0c144855df1192fa46','rce',1,5232,1,'{"entropy":1.9121495485305786,"expected_reward":0.9165951609611511,"gradient_norm":6.344930000305176,"greedy_reward":0.9080000519752502,"learning_rate":9.999999747378752e-05,"oracle_reward":1.7079998254776,"random_reward":0.7745425701141357,"rce_loss":11.706770057678222,"temperature":0.5,"top1_agreement":0.3253968358039856,"uniform_loss":8.302017809751236,"val_loss":11.790068626403809}',1795911223908990,NULL);
INSERT INTO "checkpoint" VALUES(2,2,'{HOME}/runs/r2/checkpoints/rce_last.safetensors','f7c0fac25e7fe8257a78153488a45d4dd556d3ea5253fe0c144855df1192fa46','rce',1,5232,0,'{"entropy":1.9121495485305786,"expected_reward":0.9165951609611511,"gradient_norm":6.344930000305176,"greedy_reward":0.9080000519752502,"learning_rate":9.999999747378752e-05,"oracle_reward":1.7079998254776,"random_reward":0.7745425701141357,"rce_loss":11.706770057678222,"temperature":0.5,"top1_agreement":0.3253968358039856,"uniform_loss":8.302017809751236,"val_loss":11.790068626403809}',1795911223911966,NULL);
CREATE TABLE data_file (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    size INTEGER NOT NULL,
    sha256 VARCHAR NOT NULL,
    facts TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    missing_at INTEGER,
    deleted_at INTEGER
, modified_ns INTEGER, changed_at INTEGER);
CREATE TABLE dataset (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    sha VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT dataset_unique_sha UNIQUE (sha)
);
INSERT INTO "dataset" VALUES(1,'d515628a73fed76fe1757431a394c9e8c3f0b5cac683cce2d4c844250ab7ef8c','builtin',1795911215476412);
CREATE TABLE fact (
    run_id INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT fact_key PRIMARY KEY (run_id, name),
    CONSTRAINT fact_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
) WITHOUT ROWID;
INSERT INTO "fact" VALUES(1,'cut_share','0.0');
INSERT INTO "fact" VALUES(1,'dataset','"builtin"');
INSERT INTO "fact" VALUES(1,'dataset_kind','"okvqa"');
INSERT INTO "fact" VALUES(1,'dataset_sha','"d515628a73fed76fe1757431a394c9e8c3f0b5cac683cce2d4c844250ab7ef8c"');
INSERT INTO "fact" VALUES(1,'decode_sha','"c17090cdcd00162f7ed3dbdafb802cd8339189e0933c2690b2e9fa35223a9cd6"');
INSERT INTO "fact" VALUES(1,'demonstrations_sha','"5d2cbfd2ef25e980d448d4805c217f93dbc7575fe3e2304fee9961cab4ada126"');
INSERT INTO "fact" VALUES(1,'empty_share','0.0');
INSERT INTO "fact" VALUES(1,'flagged_questions','0');
INSERT INTO "fact" VALUES(1,'metric','"vqa accuracy, leave one out by position, always normalised"');
INSERT INTO "fact" VALUES(1,'order_sha','"f7ea12a5c0ce4c2e8b281c160a168bc358f1cf255ddc2a4b92dbc95c60c98ebe"');
INSERT INTO "fact" VALUES(1,'pool','"all"');
INSERT INTO "fact" VALUES(1,'pool_per_query','false');
INSERT INTO "fact" VALUES(1,'pool_sha','"1ad594fee19b2b39f3fd2a5c66eca29fbb6d2cfb65480f06729863c4f7603303"');
INSERT INTO "fact" VALUES(1,'pool_size','1000');
INSERT INTO "fact" VALUES(1,'prompt_sha','"151c011138e220e3363be57cf922916ad55a603ebc1a8caec2fe980a221ad535"');
INSERT INTO "fact" VALUES(1,'retriever','"selector"');
INSERT INTO "fact" VALUES(1,'selector','"{ENGINE}/demo/trained/selector.safetensors"');
INSERT INTO "fact" VALUES(1,'selector_encoder','"vlm"');
INSERT INTO "fact" VALUES(1,'selector_encoder_dtype','"float32"');
INSERT INTO "fact" VALUES(1,'selector_encoder_model','"builtin"');
INSERT INTO "fact" VALUES(1,'selector_encoder_sha','"c2dd0ae1692a3f84fb40564fb51aad7d6b0d714fafe870af9e61c8489d193bfe"');
INSERT INTO "fact" VALUES(1,'selector_sha','"aed70e43a78e959438b7247b73c4d49f54ff096dc9acb32e8b4846284ae6899c"');
INSERT INTO "fact" VALUES(1,'subsets','{"random 12 (seed 42)":"6baa42d114a9c1e00d9c6dbe7baa70f3a719ec70d6b7de1d7e782c347d7b2af0"}');
INSERT INTO "fact" VALUES(1,'synthetic','"SYNTHETIC: drawn and named by leverplus for its built-in model; no photograph, no person''s answer."');
INSERT INTO "fact" VALUES(1,'train_order_sha','"b5dd0d7a1d209cd606b71b7cefdcdaa59b01c92d7cace9ce1b581714bbd00f9d"');
INSERT INTO "fact" VALUES(1,'variant','"v4_2"');
INSERT INTO "fact" VALUES(1,'vlm','"builtin"');
INSERT INTO "fact" VALUES(1,'vlm_attention','"sdpa"');
INSERT INTO "fact" VALUES(1,'vlm_batch_size','8');
INSERT INTO "fact" VALUES(1,'vlm_batch_size_asked','8');
INSERT INTO "fact" VALUES(1,'vlm_class','"Qwen2_5_VLForConditionalGeneration"');
INSERT INTO "fact" VALUES(1,'vlm_device','"cpu"');
INSERT INTO "fact" VALUES(1,'vlm_dtype','"float32"');
INSERT INTO "fact" VALUES(1,'vlm_files_sha','"50e595177286e4108bd9b27c0373dd5d7a7f9d69cbe9f27ef885f8d52fcc9030"');
INSERT INTO "fact" VALUES(1,'vlm_image_processor','"Qwen2VLImageProcessorPil"');
INSERT INTO "fact" VALUES(1,'vlm_parameters','1765632');
INSERT INTO "fact" VALUES(1,'vlm_sha','"78dec54a7da32521ea2e8aec1298d6a1150d9b073671f34d6351a52969e279b0"');
INSERT INTO "fact" VALUES(1,'vlm_unused_tensors','0');
INSERT INTO "fact" VALUES(2,'device','"cpu"');
INSERT INTO "fact" VALUES(2,'groups','{"shots":2,"train":800,"val":200}');
INSERT INTO "fact" VALUES(2,'parameters','5232');
INSERT INTO "fact" VALUES(2,'pool','{"largest":64,"median":64,"smallest":64}');
INSERT INTO "fact" VALUES(2,'predicted_advantage_std','0.6549999713897705');
INSERT INTO "fact" VALUES(2,'rl_data','{"candidates":17955,"queries":1000}');
INSERT INTO "fact" VALUES(2,'signal_rate','0.655');
INSERT INTO "fact" VALUES(2,'sizes','{"attn_dropout":0.1,"d_model":192,"dropout":0.1,"hidden_dim":16,"num_heads":1,"num_layers":1,"shots":2}');
INSERT INTO "fact" VALUES(2,'variant','"v3"');
INSERT INTO "fact" VALUES(3,'dataset','"builtin"');
INSERT INTO "fact" VALUES(3,'dataset_kind','"okvqa"');
INSERT INTO "fact" VALUES(3,'dataset_sha','"d515628a73fed76fe1757431a394c9e8c3f0b5cac683cce2d4c844250ab7ef8c"');
INSERT INTO "fact" VALUES(3,'decode_sha','"c17090cdcd00162f7ed3dbdafb802cd8339189e0933c2690b2e9fa35223a9cd6"');
INSERT INTO "fact" VALUES(3,'encoder','"vlm"');
INSERT INTO "fact" VALUES(3,'encoder_dtype','"float32"');
INSERT INTO "fact" VALUES(3,'encoder_model','"builtin"');
INSERT INTO "fact" VALUES(3,'encoder_sha','"c2dd0ae1692a3f84fb40564fb51aad7d6b0d714fafe870af9e61c8489d193bfe"');
INSERT INTO "fact" VALUES(3,'metric','"vqa accuracy, leave one out by position, always normalised"');
INSERT INTO "fact" VALUES(3,'pool','"rand-sampler"');
INSERT INTO "fact" VALUES(3,'pool_per_query','true');
INSERT INTO "fact" VALUES(3,'pool_sha','"2c2e07c244ca6cb516a73809e59d7d136be5f09dc92777df1a030ffabf1c719d"');
INSERT INTO "fact" VALUES(3,'pool_size','64');
INSERT INTO "fact" VALUES(3,'prompt_sha','"151c011138e220e3363be57cf922916ad55a603ebc1a8caec2fe980a221ad535"');
INSERT INTO "fact" VALUES(3,'subsets','{"random 3 (seed 42)":"0e1f08d8c67ca88fc579cf3410bda55ed4efb259ea55e639e3cbca10bbfc02a8"}');
INSERT INTO "fact" VALUES(3,'synthetic','"SYNTHETIC: drawn and named by leverplus for its built-in model; no photograph, no person''s answer."');
INSERT INTO "fact" VALUES(3,'train_order_sha','"b5dd0d7a1d209cd606b71b7cefdcdaa59b01c92d7cace9ce1b581714bbd00f9d"');
INSERT INTO "fact" VALUES(3,'vlm','"builtin"');
INSERT INTO "fact" VALUES(3,'vlm_attention','"sdpa"');
INSERT INTO "fact" VALUES(3,'vlm_batch_size','8');
INSERT INTO "fact" VALUES(3,'vlm_batch_size_asked','8');
INSERT INTO "fact" VALUES(3,'vlm_class','"Qwen2_5_VLForConditionalGeneration"');
INSERT INTO "fact" VALUES(3,'vlm_device','"cpu"');
INSERT INTO "fact" VALUES(3,'vlm_dtype','"float32"');
INSERT INTO "fact" VALUES(3,'vlm_files_sha','"50e595177286e4108bd9b27c0373dd5d7a7f9d69cbe9f27ef885f8d52fcc9030"');
INSERT INTO "fact" VALUES(3,'vlm_image_processor','"Qwen2VLImageProcessorPil"');
INSERT INTO "fact" VALUES(3,'vlm_parameters','1765632');
INSERT INTO "fact" VALUES(3,'vlm_sha','"78dec54a7da32521ea2e8aec1298d6a1150d9b073671f34d6351a52969e279b0"');
INSERT INTO "fact" VALUES(3,'vlm_unused_tensors','0');
INSERT INTO "fact" VALUES(4,'cut_share','0.0');
INSERT INTO "fact" VALUES(4,'dataset','"builtin"');
INSERT INTO "fact" VALUES(4,'dataset_kind','"okvqa"');
INSERT INTO "fact" VALUES(4,'dataset_sha','"d515628a73fed76fe1757431a394c9e8c3f0b5cac683cce2d4c844250ab7ef8c"');
INSERT INTO "fact" VALUES(4,'decode_sha','"6cf14c2f17e0de1ff0fe6ac75a9d274350e31601425d3af2b22ab2fad90f82ba"');
INSERT INTO "fact" VALUES(4,'empty_share','0.0');
INSERT INTO "fact" VALUES(4,'flagged_questions','0');
INSERT INTO "fact" VALUES(4,'metric','"vqa accuracy, leave one out by position, always normalised"');
INSERT INTO "fact" VALUES(4,'order_sha','"f7ea12a5c0ce4c2e8b281c160a168bc358f1cf255ddc2a4b92dbc95c60c98ebe"');
INSERT INTO "fact" VALUES(4,'prompt_sha','"151c011138e220e3363be57cf922916ad55a603ebc1a8caec2fe980a221ad535"');
INSERT INTO "fact" VALUES(4,'retriever','"zero-shot"');
INSERT INTO "fact" VALUES(4,'subsets','{"random 6 (seed 42)":"a6c6f6efdf187619ce0640ca54f8b0ab4ffd42c1256a24f44208245d34f38a4f"}');
INSERT INTO "fact" VALUES(4,'synthetic','"SYNTHETIC: drawn and named by leverplus for its built-in model; no photograph, no person''s answer."');
INSERT INTO "fact" VALUES(4,'vlm','"{SERVER}"');
INSERT INTO "fact" VALUES(4,'vlm_concurrency','8');
INSERT INTO "fact" VALUES(4,'vlm_key_source','"none"');
INSERT INTO "fact" VALUES(4,'vlm_served_model','"held"');
INSERT INTO "fact" VALUES(4,'vlm_sha','"264f18919cf15d9e3e47d1708a59e3721b0abb5b7d53692eaba1c017e68e3c1d"');
INSERT INTO "fact" VALUES(4,'vlm_unverified','"served: weights, precision and image size limits are the server''s, and were not checked"');
INSERT INTO "fact" VALUES(5,'dataset','"builtin"');
INSERT INTO "fact" VALUES(5,'dataset_kind','"okvqa"');
INSERT INTO "fact" VALUES(5,'dataset_sha','"d515628a73fed76fe1757431a394c9e8c3f0b5cac683cce2d4c844250ab7ef8c"');
INSERT INTO "fact" VALUES(5,'decode_sha','"c17090cdcd00162f7ed3dbdafb802cd8339189e0933c2690b2e9fa35223a9cd6"');
INSERT INTO "fact" VALUES(5,'demonstrations_sha','"271dd8178da7c6603a6a4f3403b097dc683f1713d3a40a097aaa0f3a40274418"');
INSERT INTO "fact" VALUES(5,'metric','"vqa accuracy, leave one out by position, always normalised"');
INSERT INTO "fact" VALUES(5,'order_sha','"f7ea12a5c0ce4c2e8b281c160a168bc358f1cf255ddc2a4b92dbc95c60c98ebe"');
INSERT INTO "fact" VALUES(5,'pool','"all"');
INSERT INTO "fact" VALUES(5,'pool_per_query','false');
INSERT INTO "fact" VALUES(5,'pool_sha','"1ad594fee19b2b39f3fd2a5c66eca29fbb6d2cfb65480f06729863c4f7603303"');
INSERT INTO "fact" VALUES(5,'pool_size','1000');
INSERT INTO "fact" VALUES(5,'prompt_sha','"151c011138e220e3363be57cf922916ad55a603ebc1a8caec2fe980a221ad535"');
INSERT INTO "fact" VALUES(5,'retriever','"random"');
INSERT INTO "fact" VALUES(5,'subsets','{"random 150 (seed 7)":"ec21be4957bc879250e17d3a352762183d06561aa53ae4a440c059dcb6ddd228"}');
INSERT INTO "fact" VALUES(5,'synthetic','"SYNTHETIC: drawn and named by leverplus for its built-in model; no photograph, no person''s answer."');
INSERT INTO "fact" VALUES(5,'train_order_sha','"b5dd0d7a1d209cd606b71b7cefdcdaa59b01c92d7cace9ce1b581714bbd00f9d"');
INSERT INTO "fact" VALUES(5,'vlm','"builtin"');
INSERT INTO "fact" VALUES(5,'vlm_attention','"sdpa"');
INSERT INTO "fact" VALUES(5,'vlm_batch_size','1');
INSERT INTO "fact" VALUES(5,'vlm_batch_size_asked','1');
INSERT INTO "fact" VALUES(5,'vlm_class','"Qwen2_5_VLForConditionalGeneration"');
INSERT INTO "fact" VALUES(5,'vlm_device','"cpu"');
INSERT INTO "fact" VALUES(5,'vlm_dtype','"float32"');
INSERT INTO "fact" VALUES(5,'vlm_files_sha','"50e595177286e4108bd9b27c0373dd5d7a7f9d69cbe9f27ef885f8d52fcc9030"');
INSERT INTO "fact" VALUES(5,'vlm_image_processor','"Qwen2VLImageProcessorPil"');
INSERT INTO "fact" VALUES(5,'vlm_parameters','1765632');
INSERT INTO "fact" VALUES(5,'vlm_sha','"78dec54a7da32521ea2e8aec1298d6a1150d9b073671f34d6351a52969e279b0"');
INSERT INTO "fact" VALUES(5,'vlm_unused_tensors','0');
INSERT INTO "fact" VALUES(6,'dataset','"builtin"');
INSERT INTO "fact" VALUES(6,'dataset_kind','"okvqa"');
INSERT INTO "fact" VALUES(6,'dataset_sha','"d515628a73fed76fe1757431a394c9e8c3f0b5cac683cce2d4c844250ab7ef8c"');
INSERT INTO "fact" VALUES(6,'decode_sha','"6cf14c2f17e0de1ff0fe6ac75a9d274350e31601425d3af2b22ab2fad90f82ba"');
INSERT INTO "fact" VALUES(6,'metric','"vqa accuracy, leave one out by position, always normalised"');
INSERT INTO "fact" VALUES(6,'order_sha','"f7ea12a5c0ce4c2e8b281c160a168bc358f1cf255ddc2a4b92dbc95c60c98ebe"');
INSERT INTO "fact" VALUES(6,'prompt_sha','"151c011138e220e3363be57cf922916ad55a603ebc1a8caec2fe980a221ad535"');
INSERT INTO "fact" VALUES(6,'retriever','"zero-shot"');
INSERT INTO "fact" VALUES(6,'subsets','{"random 9 (seed 3)":"b571ef2a4adab844f824abc1abf14448774bd2976bc052e1d10e5dc1af4c9d54"}');
INSERT INTO "fact" VALUES(6,'synthetic','"SYNTHETIC: drawn and named by leverplus for its built-in model; no photograph, no person''s answer."');
INSERT INTO "fact" VALUES(6,'vlm','"{SERVER}"');
INSERT INTO "fact" VALUES(6,'vlm_concurrency','1');
INSERT INTO "fact" VALUES(6,'vlm_key_source','"none"');
INSERT INTO "fact" VALUES(6,'vlm_served_model','"held"');
INSERT INTO "fact" VALUES(6,'vlm_sha','"2d8e85fd0359387229d01d2486da2bc35044b76cf5c8c2501630f6a51a687d59"');
INSERT INTO "fact" VALUES(6,'vlm_unverified','"served: weights, precision and image size limits are the server''s, and were not checked"');
CREATE TABLE finding (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    process_id INTEGER,
    code VARCHAR NOT NULL,
    severity VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    message TEXT NOT NULL,
    fix TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT finding_unique_run_id_code_subject UNIQUE (run_id, code, subject),
    CONSTRAINT finding_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "finding" VALUES(1,2,2,'loss-above-uniform','warning','rce epoch 1','The validation loss 11.790 is above that of picking at random (8.302): on unseen queries the selector imitates worse than chance.','train on more queries, for fewer epochs, or with a higher dropout',1795911223908990);
CREATE TABLE metric (
    series_id INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    step INTEGER NOT NULL,
    value FLOAT,
    flag INTEGER NOT NULL,
    CONSTRAINT metric_key PRIMARY KEY (series_id, epoch, step),
    CONSTRAINT metric_refers_series_id FOREIGN KEY(series_id) REFERENCES metric_last (id) ON DELETE CASCADE
) WITHOUT ROWID;
INSERT INTO "metric" VALUES(1,1,25,1.17067700576782218746e+01,0);
INSERT INTO "metric" VALUES(2,1,25,6.34493000030517606546e+00,0);
INSERT INTO "metric" VALUES(3,1,25,1.17900686264038085933e+01,0);
INSERT INTO "metric" VALUES(4,1,25,1.91214954853057861328e+00,0);
INSERT INTO "metric" VALUES(5,1,25,9.0800005197525024414e-01,0);
INSERT INTO "metric" VALUES(6,1,25,9.16595160961151123046e-01,0);
INSERT INTO "metric" VALUES(7,1,25,7.74542570114135742187e-01,0);
INSERT INTO "metric" VALUES(8,1,25,1.7079998254776,0);
INSERT INTO "metric" VALUES(9,1,25,3.25396835803985595703e-01,0);
INSERT INTO "metric" VALUES(10,1,25,8.30201780975123604378e+00,0);
INSERT INTO "metric" VALUES(11,1,25,9.99999974737875163555e-05,0);
INSERT INTO "metric" VALUES(12,1,25,0.5,0);
INSERT INTO "metric" VALUES(13,1,8,0.0,0);
INSERT INTO "metric" VALUES(13,1,16,1.0,0);
INSERT INTO "metric" VALUES(13,1,18,1.0,0);
INSERT INTO "metric" VALUES(14,1,8,0.875,0);
INSERT INTO "metric" VALUES(14,1,16,0.5625,0);
INSERT INTO "metric" VALUES(14,1,18,5.55555555555555580227e-01,0);
CREATE TABLE metric_last (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    phase VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    n INTEGER NOT NULL,
    n_bad INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    step INTEGER NOT NULL,
    value FLOAT,
    flag INTEGER NOT NULL,
    lowest FLOAT,
    highest FLOAT,
    CONSTRAINT metric_last_unique_run_id_name_phase UNIQUE (run_id, name, phase),
    CONSTRAINT metric_last_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "metric_last" VALUES(1,2,'rce','rce_loss',1,0,1,25,1.17067700576782218746e+01,0,1.17067700576782218746e+01,1.17067700576782218746e+01);
INSERT INTO "metric_last" VALUES(2,2,'rce','gradient_norm',1,0,1,25,6.34493000030517606546e+00,0,6.34493000030517606546e+00,6.34493000030517606546e+00);
INSERT INTO "metric_last" VALUES(3,2,'rce','val_loss',1,0,1,25,1.17900686264038085933e+01,0,1.17900686264038085933e+01,1.17900686264038085933e+01);
INSERT INTO "metric_last" VALUES(4,2,'rce','entropy',1,0,1,25,1.91214954853057861328e+00,0,1.91214954853057861328e+00,1.91214954853057861328e+00);
INSERT INTO "metric_last" VALUES(5,2,'rce','greedy_reward',1,0,1,25,9.0800005197525024414e-01,0,9.0800005197525024414e-01,9.0800005197525024414e-01);
INSERT INTO "metric_last" VALUES(6,2,'rce','expected_reward',1,0,1,25,9.16595160961151123046e-01,0,9.16595160961151123046e-01,9.16595160961151123046e-01);
INSERT INTO "metric_last" VALUES(7,2,'rce','random_reward',1,0,1,25,7.74542570114135742187e-01,0,7.74542570114135742187e-01,7.74542570114135742187e-01);
INSERT INTO "metric_last" VALUES(8,2,'rce','oracle_reward',1,0,1,25,1.7079998254776,0,1.7079998254776,1.7079998254776);
INSERT INTO "metric_last" VALUES(9,2,'rce','top1_agreement',1,0,1,25,3.25396835803985595703e-01,0,3.25396835803985595703e-01,3.25396835803985595703e-01);
INSERT INTO "metric_last" VALUES(10,2,'rce','uniform_loss',1,0,1,25,8.30201780975123604378e+00,0,8.30201780975123604378e+00,8.30201780975123604378e+00);
INSERT INTO "metric_last" VALUES(11,2,'rce','learning_rate',1,0,1,25,9.99999974737875163555e-05,0,9.99999974737875163555e-05,9.99999974737875163555e-05);
INSERT INTO "metric_last" VALUES(12,2,'rce','temperature',1,0,1,25,0.5,0,0.5,0.5);
INSERT INTO "metric_last" VALUES(13,3,'generate','signal_rate',3,0,1,18,1.0,0,0.0,1.0);
INSERT INTO "metric_last" VALUES(14,3,'generate','positive_rate',3,0,1,18,5.55555555555555580227e-01,0,5.55555555555555580227e-01,0.875);
CREATE TABLE note (
    run_id INTEGER NOT NULL,
    text TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT note_key PRIMARY KEY (run_id),
    CONSTRAINT note_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
CREATE TABLE prediction (
    run_id INTEGER NOT NULL,
    shot INTEGER NOT NULL,
    question_id INTEGER NOT NULL,
    process_id INTEGER,
    demonstrations TEXT NOT NULL,
    prompt_sha VARCHAR NOT NULL,
    request_sha VARCHAR NOT NULL,
    raw TEXT NOT NULL,
    answer TEXT NOT NULL,
    score FLOAT NOT NULL,
    cut BOOLEAN NOT NULL,
    reused BOOLEAN NOT NULL,
    error TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT prediction_key PRIMARY KEY (run_id, shot, question_id),
    CONSTRAINT prediction_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
) WITHOUT ROWID;
INSERT INTO "prediction" VALUES(1,0,5000410,1,'[]','68d3eb289e191915b24340ea2c616e47832d083e6be4452956c4fc899282b4a1','b333b56572bec5addf5ac6ebd6b74d90cafa91f6b23509cbe90b8b4f74b028cc','purple square','purple square',0.0,0,0,'',1795911219551963);
INSERT INTO "prediction" VALUES(1,0,5000460,1,'[]','9d425d51ae13705098f01b71c42239f882f392dbf77b0f8bdb8cf23886f86693','5dab76d706740faebc3f07e7143af5ddab2a9cc7dce7a7b9bc99296fc41a880c','yellow cross','yellow cross',0.0,0,0,'',1795911219551963);
INSERT INTO "prediction" VALUES(1,0,5000470,1,'[]','b6d29b0e9adbaf96f69431a7843b69ce412787a3916e14a7a30cbaca258f7c27','1dfee88867dedf05c59bb3f2448a2e8191da14d085d7b9d811302c5c0e92a2c2','yellow triangle','yellow triangle',0.0,0,0,'',1795911219551963);
INSERT INTO "prediction" VALUES(1,0,5001080,1,'[]','de7847baa8b1daf42c8ae34c38ea0915925a175958f63698104d9cb95c13119c','56b2a39aa0ae3ca997fb7dd83b5fc09b358a2cfc2b861576f75af6b86e9c0dda','triangle','triangle',0.0,0,0,'',1795911219551963);
INSERT INTO "prediction" VALUES(1,0,5001330,1,'[]','9c8a8781867a99463f81d65895a3ed7a46349567a6565f18b9a1a79caacb422a','00ef12dea9727ddbe89783bd711c0ecbe31f064b067bb3ffe5a456713b2fc7d4','yellow','yellow',1.0,0,0,'',1795911219551963);
INSERT INTO "prediction" VALUES(1,0,5001600,1,'[]','6a6e21a7c8948c2f669636091903930b8720794b7a07e66db22e4e98b43ab415','0f2d50549812030514729b683450e2259cbae2d7f8ce50431bc6f395f4bfa325','yellow','yellow',0.0,0,0,'',1795911219551963);
INSERT INTO "prediction" VALUES(1,0,5002330,1,'[]','f91a495cb5b8299f94cecb135366cf48a49278b0c6d50ae449ea2c3190651b6e','4515c1fe9339637c1ca130fed682d802f835b35cbf54103a42658d28bc7e743c','blue cross','blue cross',0.0,0,0,'',1795911219551963);
INSERT INTO "prediction" VALUES(1,0,5003270,1,'[]','79832566cc18bec3e1781b5646722da6221a4404d5ea68e90fae5c140a0113d8','41618dc3550b938d22292c9723aa931e130d08de7a366f4065384465a8b96841','purple','purple',0.0,0,0,'',1795911219551963);
INSERT INTO "prediction" VALUES(1,0,5004290,1,'[]','6fcd57741dfc8e7c5fa8c5a6243cf265b33ab417725f3d927196a9a61522bde9','bb47a9cce9953c4bbbdb589698a263852dd1fef9697a7ca5a601e2ccacd232ca','yellow','yellow',0.0,0,0,'',1795911219551963);
INSERT INTO "prediction" VALUES(1,0,5004730,1,'[]','b36f81f4101613f202bb6b6e768f36dbb1d51b8eb3f8184f0ff000e535b952c0','ca330d625aa3a1c713694823ab46db63ec20488a82de1a92eaf861eefe6a7e8f','top','top',1.0,0,0,'',1795911219551963);
INSERT INTO "prediction" VALUES(1,0,5004740,1,'[]','46e5cb87e7acd6a89052b24ba088b57e5c6219e7ee7e307ec9ccd9c5110aff2c','6a34b46734a7a917690baa3fba0bad9c8f5781ec72054af9587306b283df1d07','red','red',0.0,0,0,'',1795911219551963);
INSERT INTO "prediction" VALUES(1,0,5004870,1,'[]','66dea73bd55b16a1253c0bbaceeb7de9d96ff790459c0a15db0554339148e427','347d993d8778fb636ad2df86bf61a70983502d94f611b056d40ac4e34ecd019c','yellow','yellow',0.0,0,0,'',1795911219551963);
INSERT INTO "prediction" VALUES(1,2,5000410,1,'[1001630,1005630]','47a0d252c84a0024bd52e11fea778a5287865ef85a8df7a09bfe459f556b28a2','2c312044dcc114294413cb7b8265a5529c7b98f68fdba384951e05c3d2fbad55','blick quax','blick quax',1.0,0,0,'',1795911219517971);
INSERT INTO "prediction" VALUES(1,2,5000460,1,'[1002210,1004990]','322040180e44531b33044194f57f0c9c8d3e183665fd6be6d1f30cc179bd8abd','628ec68d8faef3678e6535f17ac3706267b69ad21bdc4f65a07a04c88512a0b0','tiv cross','tiv cross',0.6,0,0,'',1795911219517971);
INSERT INTO "prediction" VALUES(1,2,5000470,1,'[1006000,1000080]','26935ebf785dba6876dc41ac1f9d096268ee11621dbab4f0867750d28149b70b','4fe0d82b019ffa1e88e7b3d3bdafbf76cd97005ea2c1a7280fc79f1872374806','tiv fep','tiv fep',1.0,0,0,'',1795911219517971);
INSERT INTO "prediction" VALUES(1,2,5001080,1,'[1002660,1002250]','5b996a2e7bf1f6b73c49e62777f9a4ae45d5a4b1d3a6a8a02f93131eab57bd32','e5dca83cf98776cc5022496f2dda411f134e0fc042e4fb56951981cbd47e0747','yub','yub',1.0,0,0,'',1795911219517971);
INSERT INTO "prediction" VALUES(1,2,5001330,1,'[1007060,1005810]','3a5ffbe085a1c76ed6fe28b0ad6e8c3aeb8cda59995dc115dcef9360d32dd255','f22549ae6e52e4a0fe1e8df9298176fed917327886165b5ed90d1a88f69d8906','yellow','yellow',1.0,0,0,'',1795911219517971);
INSERT INTO "prediction" VALUES(1,2,5001600,1,'[1004940,1002150]','addcd79a29a0c20675da41c53a85f1134faf9ea5ab2cd4c312a45c1405a59f2d','60bbd9ff522016d1eec0ce532a96c05715e9d1f0184d5cb67f3bd65c36b28401','tiv','tiv',0.0,0,0,'',1795911219517971);
INSERT INTO "prediction" VALUES(1,2,5002330,1,'[1000140,1004840]','64b3cd46ef77f5a47c454f967ddf38a3eb44359c228875862ca9d5b47a7376c4','7ecbc6a71bab85982a474398563717bd7947f3178b172afeebe7e3208b4a3e60','gleb yub','gleb yub',1.0,0,0,'',1795911219517971);
INSERT INTO "prediction" VALUES(1,2,5003270,1,'[1008480,1002470]','8d8c1bf4ab138aeedb08add87f1319c1be3ff80161ac8d4964b0e3b8486bb76b','4aeecf356a0f0dec3205eed0a7dff8d492996ddf1de104287c502b128fae0b8d','bottom','bottom',1.0,0,0,'',1795911219517971);
INSERT INTO "prediction" VALUES(1,2,5004290,1,'[1008700,1002150]','4542d234aeb1b98b21972bc3e6b99692ccb9670b4eb9a9e5c02669c3f5c656fa','9463fcb4a9ad810da47c8dd7a41fa774845be0ba99654aa56cb1671bb49afdc8','tiv','tiv',1.0,0,0,'',1795911219551963);
INSERT INTO "prediction" VALUES(1,2,5004730,1,'[1003870,1004600]','dc83e53ae63a0dfbe64de51423700562ac6638d08a1696bbb98f31bd3a09a485','081bf4508e16aaeb30c61223bfde72386a5882259516f903dda3d0d1cae9242b','top','top',1.0,0,0,'',1795911219551963);
INSERT INTO "prediction" VALUES(1,2,5004740,1,'[1002100,1009850]','84e0cb61fac497c379715b16205161c94dde62f5a6efac82e18107c371dd4d2e','f3151553f58ff254ae39734de9822c687b6aae6d0798dd8ba93f558574a906ec','triangle','triangle',1.0,0,0,'',1795911219551963);
INSERT INTO "prediction" VALUES(1,2,5004870,1,'[1009570,1002920]','2283f8d82f22fe6321ad0c1c7f74cebdf70a7348fb969bc29934d2e4abaa45c6','9b27ea79289f0e789fd2ba3ba046f2084efc331b6f50ce65c8064e51470e9713','circle','circle',1.0,0,0,'',1795911219551963);
INSERT INTO "prediction" VALUES(4,0,5000410,4,'[]','68d3eb289e191915b24340ea2c616e47832d083e6be4452956c4fc899282b4a1','a351f51c440a0bf475ded45e853fa182337ebc3106024728fd3c099ecc9afbd7','red','red',0.0,0,0,'',1795911232776831);
INSERT INTO "prediction" VALUES(4,0,5000470,4,'[]','b6d29b0e9adbaf96f69431a7843b69ce412787a3916e14a7a30cbaca258f7c27','62fea8f857a6323d7986c4fa8bf3d3ce4810b1a05c9841e6223ae193aaca8c87','red','red',0.0,0,0,'',1795911232778107);
INSERT INTO "prediction" VALUES(4,0,5001330,4,'[]','9c8a8781867a99463f81d65895a3ed7a46349567a6565f18b9a1a79caacb422a','44b5a44ec3e93b6d2584bdff841e42019850e6fac4e77c67997895c0efe38792','red','red',0.0,0,0,'',1795911232771129);
INSERT INTO "prediction" VALUES(4,0,5003270,4,'[]','79832566cc18bec3e1781b5646722da6221a4404d5ea68e90fae5c140a0113d8','d3cda28bcba5c426d012e44baff1dedfaff789d00d05301a01b8912e831290a9','red','red',0.0,0,0,'',1795911232778107);
INSERT INTO "prediction" VALUES(4,0,5004290,4,'[]','6fcd57741dfc8e7c5fa8c5a6243cf265b33ab417725f3d927196a9a61522bde9','8138820212a5c0823adb03b846d5a1b13774c7f4f92ae247fbf71215794d2f0d','red','red',0.0,0,0,'',1795911232778107);
INSERT INTO "prediction" VALUES(4,0,5004740,4,'[]','46e5cb87e7acd6a89052b24ba088b57e5c6219e7ee7e307ec9ccd9c5110aff2c','9a735a81948a6dd08f2c30515b3d48ff1d3cad887e433ae27e08f32156103a38','red','red',0.0,0,0,'',1795911232776831);
INSERT INTO "prediction" VALUES(5,2,5000010,5,'[1001790,1004840]','db5fe57534e84418dd6deb4dd0d50f233c1a03cce47df8038a03782975d1bbfb','8707f3fbfe19268fea300109a6ee482d605b52ca554902640dc9201e2c2ed14c','yellow','yellow',0.0,0,0,'',1795911238182016);
INSERT INTO "prediction" VALUES(5,2,5000030,5,'[1003490,1001750]','9fbeeb0ee8074afea5e2ef5b0d796a3d82d92c6159bb3f3be82c6e90816a4033','65efcf46d6e377b037d2d4a94b50ca4169c68dac1efd902b19d778c15e851cb7','orange','orange',1.0,0,0,'',1795911238182016);
INSERT INTO "prediction" VALUES(5,2,5000060,5,'[1004490,1008930]','649c0186588d79ce7259797635f19a9a257a266cd18413d9a361816171029ac3','40ef562dbbcbf34d7d70c07f38cd76a57fd279734711c06c9110885b08adfd88','right','right',1.0,0,0,'',1795911238182016);
INSERT INTO "prediction" VALUES(5,2,5000100,5,'[1003840,1004220]','60cff27e2fd560e9ec3623727bda18a70e5dba3c0f170b0a6caf192cdf657886','57f2d81eba2ddb07b5a8152d7d8a74e2f1eac6f6fa0d122172696f579fa7933d','yellow ring','yellow ring',0.0,0,0,'',1795911238127246);
INSERT INTO "prediction" VALUES(5,2,5000130,5,'[1001210,1000530]','9874050019e55da1343b49ad3d5f3fe8e6a1aea1447531b61b28cd9a6636637e','cadd86fcb3046176012bcde3bc5b8c0d69ca986c25f3bd5b740e292f952cf291','square','square',0.0,0,0,'',1795911238233899);
INSERT INTO "prediction" VALUES(5,2,5000150,5,'[1009670,1006960]','9f96e9671a38d838c23b4599d20d1763d13cff4d4e51053c3c2ecfa96f3320c4','baf300caafd935c7660be9cc3d3cccc73b6f7463fa1e42eb87a1571837a8524d','purple jeb','purple jeb',0.0,0,0,'',1795911238182016);
INSERT INTO "prediction" VALUES(5,2,5000200,5,'[1005260,1007100]','29ee49adc9065c7c2d34bf0725e9d0a5a0a8e5e05074005aa586da8e834f0557','9c69d6527acfb2c160680de8b971c23f36a66d95047e62c50dad9c4ae378bdf5','wug','wug',1.0,0,0,'',1795911238233899);
INSERT INTO "prediction" VALUES(5,2,5000240,5,'[1008810,1005670]','11b8f117e321abae9749d48889245a3871c3c5eb78b26da2fd439b178067ec54','193556a2f3707afa435aa153e3fb3638888d778d64a3242f8729ef0fe56d9a88','red circle','red circle',0.0,0,0,'',1795911238233899);
INSERT INTO "prediction" VALUES(5,2,5000400,5,'[1009440,1004900]','0180bffea3c656268501d8198a15f17ef0a344766ef405e42a4395c2e2e7e428','1180fbc99e1edf0b240be77cce8ecff5637e3b2e1dd633d1d447412251b4abd4','green circle','green circle',0.0,0,0,'',1795911238285999);
INSERT INTO "prediction" VALUES(5,2,5000420,5,'[1005640,1008990]','1c6054b70d31b028b5263410df80b961bdc3bfa8897d630cb9f01be6a18aea7a','e38927756dffd21752a8fddbc19551e9c6ae9aa4453cb828a88618d8b617e312','ring','ring',1.0,0,0,'',1795911238285999);
INSERT INTO "prediction" VALUES(5,2,5000440,5,'[1004390,1008120]','8dfa2b1dbcc17128c9b0503e6090019df38b3bb0c84cda9e06daa598e192ccf6','b80292c53e0681478b3e7a747546ad9844eb08adcc487832672875bfca2ef310','green','green',1.0,0,0,'',1795911238285999);
INSERT INTO "prediction" VALUES(5,2,5000500,5,'[1004940,1005870]','ac136ba8fa03f0b706085620cd8b99d468be71411214d87231929c3be9dd89ac','9af75acf2e9a390ef822f2a04714354acbbf9067d486dada8e353aa1ea5df99d','orange','orange',0.0,0,0,'',1795911238233899);
INSERT INTO "prediction" VALUES(5,2,5000520,5,'[1004730,1009660]','50bac021c5482135d726fdee4fa2868cf4faedb72388e56e15da7332ab4eddff','9162a2f831ef4328b691611938c952223f4a9f375af85b5b7f6b8ef98d7af445','triangle','triangle',0.0,0,0,'',1795911238285999);
INSERT INTO "prediction" VALUES(5,2,5000550,5,'[1008010,1003080]','8aac8c9813da3149c2090d3a99bff0bc5db61bee2a454919b1a19ada5b86483a','c93dc47c4308325abbf8d8d49da36c8cd116a71d63c4ea99be107bae2c9eacee','yellow','yellow',0.0,0,0,'',1795911238337880);
INSERT INTO "prediction" VALUES(5,2,5000560,5,'[1006130,1009630]','489d47c16526e269e05fb25c1b1ecee2fa37854ea151e410d8f45580ffc0c344','48b8f0dba26eceff6f71da8c0b30456599c2ecfe1bcc23c72e161e1ddf85cc33','yellow','yellow',1.0,0,0,'',1795911238285999);
INSERT INTO "prediction" VALUES(5,2,5000580,5,'[1007050,1004580]','6355e2bd40ee5c0784dd6dc3cb7277b6831d84c323708dfa19445f174a453b08','4baa114a7d55dad8477417a3996c6e0fb90f98e11b32acccd0db3c3b41d8f615','red square','red square',0.0,0,0,'',1795911238337880);
INSERT INTO "prediction" VALUES(5,2,5000590,5,'[1002950,1003610]','44241f8da8ea71eb3f0928bd18b291a41037ea31b2fc21ef0d48c33100b8785d','eeff9bbb48a45773632c0e627223710956afd51230fb1aa638ef96ac7094bcd3','yellow circle','yellow circle',0.0,0,0,'',1795911238389686);
INSERT INTO "prediction" VALUES(5,2,5000640,5,'[1004270,1002220]','65559e3f6dd667655f70d6d7835b6828b9db086f7dc488f2d0ed5acc35a031c5','4fb40751cc1befb091a6afd49f6de0f887693cadcef35b1aea8788b451c2f66a','lorp','lorp',0.0,0,0,'',1795911238389686);
INSERT INTO "prediction" VALUES(5,2,5000700,5,'[1007940,1006220]','09d4ad2b6e473d71a18fac58cfca0159fabaa8b08d1646da26f69feab4aac9a7','368cb3776145ca7525be59d2470460cbff3d55ab40bc61ebde57d03d19644047','top','top',1.0,0,0,'',1795911238389686);
INSERT INTO "prediction" VALUES(5,2,5000710,5,'[1002660,1008910]','61bd478e75ba7aa36312803b591a8b3919248c927e095e02b1fd1de847e339a4','de7d8092f56ac55da8232b9aa91617a300af17a4c7823d28c69533a465ea98be','circle','circle',0.0,0,0,'',1795911238389686);
INSERT INTO "prediction" VALUES(5,2,5000750,5,'[1007390,1000200]','40522be70e9f04131dc22d6e6c6609fbd9a928357b99f8c15a378c303351cc60','9c0e7b1ebc8ab4d14ecfeb7ffaccca0ada1883671c17434502c14dcef75a70ff','ring','ring',1.0,0,0,'',1795911238441643);
INSERT INTO "prediction" VALUES(5,2,5000770,5,'[1005870,1001470]','2522e002c70e19a9c1809cb85b6993733f776221aa5a177dde72fbdd03c09a5b','12d4bfa0ccee5f16c480bb0949bd70d2684bc14a6b57c01f464819141ac5fa4c','green triangle','green triangle',0.0,0,0,'',1795911238441643);
INSERT INTO "prediction" VALUES(5,2,5000810,5,'[1000880,1007070]','bacc9352ade7912cfcdd4bf4c75f8b1a2869a8b4e83283e298dc7af287deb49c','4eb1b320d3c5814f79cc18c675368b2c9493a7dccdc3b36d57b062d1f06cb312','ring','ring',1.0,0,0,'',1795911238441643);
INSERT INTO "prediction" VALUES(5,2,5000830,5,'[1006770,1005480]','11f247800c332c259ed182c266f986471152ee0b294cb0f3253577d862827a40','373fc139bf2857741c823346076983a45218debd0fc877bf2345ccf80d154e7b','blue','blue',0.0,0,0,'',1795911238441643);
INSERT INTO "prediction" VALUES(5,2,5000880,5,'[1007640,1004040]','4ad71912ec299cfd453117bc3b47b086ad19d0c7ed3c8a1ca2bfc0528c04f35d','b5c5acdb388728ab213f35f67e1f9a7acc6acac8f798f861a9a6013e51dd71e2','left','left',1.0,0,0,'',1795911238548329);
INSERT INTO "prediction" VALUES(5,2,5000890,5,'[1004640,1009900]','98ab632cdab6c064afe89c458547283389facb54140fec553f0fada55905a96a','475628e50615516e49747e65321a994f09fda41063285460d1f63f62b4cf034b','green','green',0.0,0,0,'',1795911238548329);
INSERT INTO "prediction" VALUES(5,2,5000910,5,'[1005990,1005680]','a6a3cce756614a52a64d3746e573c5faf4e7543beb82ad1ab2b1eacbf1ca03f0','421dfdf33e607114d19cd7e1851c207b097dc1fbbd276a592fbe60679732375b','left','left',1.0,0,0,'',1795911238548329);
INSERT INTO "prediction" VALUES(5,2,5000940,5,'[1008290,1006000]','867daac3099fd12385289a99497a82e2f50d94eb63c34d89351c2b68ecfd78c1','8e64d7cd843aa0a9d880a46a80c5873facecd1e2cba4a37b2864844eff392eba','yellow','yellow',1.0,0,0,'',1795911238493522);
INSERT INTO "prediction" VALUES(5,2,5000970,5,'[1009900,1006950]','460dcfaf86df1db4345cd6903767bd94ee13d35dc0f0b2555919bb866737444c','365040c0cb787bb2742ac35e32afa9bab7f95a4211c96891a866dfae834697fd','orange','orange',0.0,0,0,'',1795911238600268);
INSERT INTO "prediction" VALUES(5,2,5000990,5,'[1009870,1002700]','af84c6bfef956e47364a3a8c313eae961a0defb6be0e79258762647775546e8d','6236aac626447d44f655b42253b23de4ff83e3ae89cb3768398c3784f96b6f62','yellow','yellow',0.0,0,0,'',1795911238600268);
INSERT INTO "prediction" VALUES(5,2,5001010,5,'[1007350,1001750]','7d3fef00a3ef1431ba84c923c46bd901ca3a403c97e416f4093f97410d431933','e6c9d2e2a5d64e9474ffaf6a2a4fa25fbf5724ae46681cf7bff83a668d89014e','orange','orange',0.0,0,0,'',1795911238600268);
INSERT INTO "prediction" VALUES(5,2,5001040,5,'[1008080,1006490]','23ec11c0443accefcff8188c5dfd56bda856d2495fb248d9de2820c18f66dcff','66d27a362245c650e65472e89235fb094983ec9b22fc4f2c05d7d231778bb2d6','kiki fep','kiki fep',0.0,0,0,'',1795911238548329);
INSERT INTO "prediction" VALUES(5,2,5001080,5,'[1003160,1004660]','bdd21643a8b782e93b56f890b4bf43f399d1cfe2d0d69f6006da049f6b1a6cd3','83891a4fba1113f73aa3c594937de72612231d0a08d35b9c5a5df684aa198d1a','triangle','triangle',0.0,0,0,'',1795911238600268);
INSERT INTO "prediction" VALUES(5,2,5001090,5,'[1007340,1009890]','0ce4e0c4e8b7bc4293b430d98318b00cd21b743c51d7b322ae9e5b07f463ef3f','6b3bb4478cb3e67aeb735ebf1cd9fe842c7b9cb30ec1851b8d5c36755d21c3c1','red','red',0.0,0,0,'',1795911238652237);
INSERT INTO "prediction" VALUES(5,2,5001100,5,'[1008890,1005080]','bc0ecc1ea4a54409e532c4d89697160940faccffb04e7d730e273374a1af5c09','1a82dbf3fa87406585abc441d5917ae4932bf284b07a21f03f4e0db1a29fbf40','purple','purple',0.0,0,0,'',1795911238652237);
INSERT INTO "prediction" VALUES(5,2,5001110,5,'[1005000,1008830]','2d6ad8f87be7dc2415826eaaa535ecfb3c1cc204b7a520289ebdaeae6e4c93cd','6d0fc4cba420eb144f3375f0c90288ef3259e2b9b8c44d86e17984286f15c192','top','top',1.0,0,0,'',1795911238708419);
INSERT INTO "prediction" VALUES(5,2,5001120,5,'[1002090,1005840]','826122c59d3368cc7f7aecf9fd9233a2259e9aa8c4d7a363191705bd727a9c45','c7f01d6253f322442087825f2f818c2e2fc83098b59bad1ec689d185dc8ba26a','red circle','red circle',0.0,0,0,'',1795911238760268);
INSERT INTO "prediction" VALUES(5,2,5001150,5,'[1007730,1003670]','16f726a55a3dc00221dbd3c498baa157a1ac24dcfaf7cc63b4ecac78b3793d4d','240ccfdd52f31089396ae6413507d877b338c5c6256f5ca0bb70cdb5f4ac5392','yellow','yellow',0.0,0,0,'',1795911238760268);
INSERT INTO "prediction" VALUES(5,2,5001180,5,'[1002670,1005330]','552eef4b33b6117926863c1125c3d53af0542bec2e9184c73406e8b88a4d4613','d0a36869f277457fb381076b556e56106b86c37e8c78431643616c7a32696be6','red triangle','red triangle',0.0,0,0,'',1795911238760268);
INSERT INTO "prediction" VALUES(5,2,5001270,5,'[1003390,1003430]','cc233fd1b1f45f8d60113fe50abc6cd9cee00eedf65d6aad271bc5c9e8c75516','63b2533f977c6952b5126dfdaa098c35b789785e0afad38283fa0350f5d44b02','ring','ring',1.0,0,0,'',1795911238760268);
INSERT INTO "prediction" VALUES(5,2,5001310,5,'[1004460,1007060]','0b9602d72364f223136c9c31e24e02efbb9ecfd88acf09e0672505808214219c','4b5fd9ba5330c9f3f08ac3a38d2240f0ca5e3da7418878b0508804b8d8eedf03','right','right',0.0,0,0,'',1795911238812135);
INSERT INTO "prediction" VALUES(5,2,5001360,5,'[1004690,1003560]','11db3bce963c1d217f5d2f69c2c02abc7e06e82a9ee6753ac412f2cc8ac0751e','1de7440b17abeeaf9a2ef900ca2a81e025e9b9b912e9ca6b65477ecf7bc156cc','yellow','yellow',1.0,0,0,'',1795911238812135);
INSERT INTO "prediction" VALUES(5,2,5001410,5,'[1004880,1001880]','caa08bbe25db853a70e8949540441d17e7e90ebf236f245a755e3a928ba13c20','67fcbd70cb4377bb97db81b2098721921b4cad2c40f4606882ad7ff9c919b703','blue','blue',0.0,0,0,'',1795911238812135);
INSERT INTO "prediction" VALUES(5,2,5001490,5,'[1005820,1000460]','c00dfaf8b8348072250bc2a1de7fb9c8ad8adc477d3419ab485db597a4819be4','115b825ee2e060447ab3f9f3fbbe2dd3647bf3fffb5d472680599fb01278c389','orange ring','orange ring',0.0,0,0,'',1795911238812135);
INSERT INTO "prediction" VALUES(5,2,5001520,5,'[1000530,1004040]','4f649f45acd059bd83890b151a32d462908c5d9cf11e538465034b6fd9116b6a','ef59288c29fd60ab6c1dc97961b6a3ab33bfa08b66428eaab5956637a226b265','circle','circle',1.0,0,0,'',1795911238812135);
INSERT INTO "prediction" VALUES(5,2,5001550,5,'[1001110,1006190]','c3eca1c8916499e0220fa191df0bb48a2ef246ed4ed8da7eaf717d04a26d5b6b','2cc828c49c022cabd728068083d76071e6dfdb0381d7ae58d082429ebfd1724d','red triangle','red triangle',0.0,0,0,'',1795911238812135);
INSERT INTO "prediction" VALUES(5,2,5001570,5,'[1005830,1002570]','8cd7c34a7454e1f77b75a9364f84a5dac981a478b46dbe5fd460af0094f67879','551898448e445dbf62905a1c8b4ea1f9e584fd32f1c0a3b8d5ea01f15696a420','square','square',1.0,0,0,'',1795911238867379);
INSERT INTO "prediction" VALUES(5,2,5001610,5,'[1008100,1001600]','23cd337b342fe90204112ae40f3f4b770b2c8c2a39b2b3c317d71fad7dd1dbd5','5712aa2fe6d822d9c91b398e04a64d4d9f75471f7bdc83b38db6341bb97cae82','bottom','bottom',1.0,0,0,'',1795911238867379);
INSERT INTO "prediction" VALUES(5,2,5001660,5,'[1005530,1006820]','f98299cb4d3be65b65f5a84719784751ecf7f3ea558c26b8fd0964626d613ad8','e0ef1f532dc34e9847e783222a1bdd713d29dee1708f4ccda8b082ac0642abb6','red square','red square',0.0,0,0,'',1795911238867379);
INSERT INTO "prediction" VALUES(5,2,5001700,5,'[1007460,1001060]','be78425610b1685bcaeefd7f8e8846b540d85b42714734e38790c7064fe2f676','4ef7e98c909656efe30e79587545c61139bd7e2308b0c8040a8f7a60bfdbbb2b','square','square',1.0,0,0,'',1795911238867379);
INSERT INTO "prediction" VALUES(5,2,5001870,5,'[1007900,1006460]','996276710098536610b40a78159af53accf6763a7f1aafcd4baca08f8698a169','d5fb01c000d9c0af6b9ef449cac642f661d10a85bf6fe10c8fa307f79ec8b24c','blue','blue',0.0,0,0,'',1795911238867379);
INSERT INTO "prediction" VALUES(5,2,5001880,5,'[1009120,1005400]','cbf3d2320c1a4da388f43b27663e36e9513e778ef601c56bf295a1d424f9be01','7d3b513f616324b7086abfb19c528d26b9019b54c53bec9ee3381a9b1c7f6f49','triangle','triangle',1.0,0,0,'',1795911238867379);
INSERT INTO "prediction" VALUES(5,2,5001910,5,'[1005720,1008450]','ae25bc1d95a5695b0823c0d1d3aa73b94d1713498c3f2d01db02b7e8bcee1c56','87e27eb1d48d03118cb87ff14cd9b34144d770aef64be9c8ab36749cda5e5947','triangle','triangle',1.0,0,0,'',1795911239128503);
INSERT INTO "prediction" VALUES(5,2,5001920,5,'[1003180,1005290]','69c15f10f053abe4b1d7ba8d34af3268845204c2fa8ade23fab13090fb3ac942','6781bf0b5239d867acf3539a79d28da1ed3fa945db463c19484a33fc67e9e7db','blick','blick',1.0,0,0,'',1795911238924340);
INSERT INTO "prediction" VALUES(5,2,5001930,5,'[1003150,1002060]','cd789050dfe2cab0553c28757e5140d205ed17222f359820e8f25e8fc5720dc6','65f39f26434e02200228d9711189a5bc01eb60eaacb6b68234ea7cbd060be1b4','red square','red square',0.0,0,0,'',1795911239076711);
INSERT INTO "prediction" VALUES(5,2,5001940,5,'[1003560,1007950]','4c01c492d8846c3e722d3258c7a28aab34026fb3b26dd92bd9863f6f775aa73d','0b1bbd9e05649afb72348d47c55a74546d0cff1889146f08fec2bd7b1a77f317','tiv circle','tiv circle',0.6,0,0,'',1795911238984583);
INSERT INTO "prediction" VALUES(5,2,5001970,5,'[1003200,1008030]','c8270212252745df1d603c190fd488421ef1308040eacfdc9eda4bc9cb8e1591','2345966913cb61d7959323dee30c7b84db0aa6165cb8121303e0fa84b0ba8bb9','orange','orange',0.0,0,0,'',1795911239128503);
INSERT INTO "prediction" VALUES(5,2,5002030,5,'[1003730,1000990]','b22913f94b2d5185b2bbbea6e08822b3cbea180fe3d6276bf5e4d37764fe9d13','1544f12f044927d80faa0b4572b214b006e1ccfeccb9e57f185751d133da3501','orange square','orange square',0.0,0,0,'',1795911239128503);
INSERT INTO "prediction" VALUES(5,2,5002060,5,'[1004510,1003350]','bb6e4c525f5b226b0ec772150d39de0f1a50aca0f9512329b56e43775cd5b034','2a7c80d4b11d3491270be52aa49e00939848cd08010c09de39a22f5bc4723937','green','green',0.0,0,0,'',1795911239180363);
INSERT INTO "prediction" VALUES(5,2,5002080,5,'[1008790,1005030]','aa78a3b8633bcf9ba40389cc88f18a689b333eba8cb3d2475b3359dec288d8f7','7aa173d3d7bc5fd03c5054b214b5d103e265b742426672e8911cb106d5cfab0c','yellow cross','yellow cross',0.0,0,0,'',1795911239180363);
INSERT INTO "prediction" VALUES(5,2,5002150,5,'[1005920,1007190]','af52bb295b645f73db59cd1793f67b9e8e914535b79a3b06aa14d56a22a1658b','493778959e0234bbe48d1dc03afb79101455b95c6570a0ea511bfb3e2a0f0a9e','pran triangle','pran triangle',0.0,0,0,'',1795911239180363);
INSERT INTO "prediction" VALUES(6,0,5000290,6,'[]','98dce8b5a3ff1d4ceab7958d0df5634f805dbeefb58723e1cc171d6a2654ccc6','b0c9644600e173c050813484b76f3b4b468559d82bf46de7f7fec9580f34fa2b','red','red',0.0,0,0,'',1795911244788508);
INSERT INTO "prediction" VALUES(6,0,5000760,6,'[]','d6febd2d81e38eba4e52f1557412a9c7725bf7d55e5415a6fb3d3aafd1339c35','113fa33bf4597e5b9242cd5c0b3339f40f06e8c51994d860b02bd03b2ee4860b','red','red',0.0,0,0,'',1795911244796435);
INSERT INTO "prediction" VALUES(6,0,5001250,6,'[]','30ab28fd74c3320dee1e395312dd913205a1e8de7e57083d67e15758dd0dbe36','fca35a02d0affe326b286c6c632ef7bae99e42661b554f8f038c383de6b5728f','red','red',0.0,0,0,'',1795911244804385);
INSERT INTO "prediction" VALUES(6,0,5001270,6,'[]','12a4b93f358563a17bb7a0fa400bd52f8fd1c376511f46eaffa3f7e93f7dda26','62c82438a57f53a8cedc0299648f1bd0f7ff07b77e45266f52ff3fbd3039e176','red','red',0.0,0,0,'',1795911244812270);
CREATE TABLE process (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    state VARCHAR NOT NULL,
    pid INTEGER NOT NULL,
    pid_start VARCHAR NOT NULL,
    boot_id VARCHAR NOT NULL,
    host VARCHAR NOT NULL,
    argv TEXT NOT NULL,
    log_path TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL,
    promise_s INTEGER NOT NULL,
    ended_at INTEGER,
    exit_code INTEGER,
    reason TEXT NOT NULL,
    CONSTRAINT process_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "process" VALUES(1,1,'done',18566,'1','boot','host','[]','{HOME}/runs/r1/log.txt',1795911212131063,1795911219562329,60,1795911219562329,0,'');
INSERT INTO "process" VALUES(2,2,'done',18705,'1','boot','host','[]','{HOME}/runs/r2/log.txt',1795911221035147,1795911223916890,60,1795911223916890,0,'');
INSERT INTO "process" VALUES(3,3,'done',18716,'1','boot','host','[]','{HOME}/runs/r3/log.txt',1795911225015158,1795911229329906,60,1795911229329906,0,'');
INSERT INTO "process" VALUES(4,4,'done',18741,'1','boot','host','[]','{HOME}/runs/r4/log.txt',1795911230371069,1795911232786748,60,1795911232786748,0,'');
INSERT INTO "process" VALUES(5,5,'stopped',18760,'1','boot','host','[]','{HOME}/runs/r5/log.txt',1795911233731102,1795911239311267,60,1795911239311267,0,'`leverplus resume r5` goes on from here');
INSERT INTO "process" VALUES(6,6,'stopped',18925,'1','boot','host','[]','{HOME}/runs/r6/log.txt',1795911241096607,1795911255802567,60,1795911255802567,0,'`leverplus resume r6` goes on from here');
CREATE TABLE question (
    dataset_id INTEGER NOT NULL,
    split VARCHAR NOT NULL,
    question_id INTEGER NOT NULL,
    image_id INTEGER NOT NULL,
    question TEXT NOT NULL,
    answers TEXT NOT NULL,
    label TEXT NOT NULL,
    image TEXT NOT NULL,
    CONSTRAINT question_key PRIMARY KEY (dataset_id, split, question_id),
    CONSTRAINT question_refers_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE
) WITHOUT ROWID;
INSERT INTO "question" VALUES(1,'train',1000020,100002,'Where is it?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100002.jpg');
INSERT INTO "question" VALUES(1,'train',1000060,100006,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100006.jpg');
INSERT INTO "question" VALUES(1,'train',1000080,100008,'What does Bo call this shape?','["fep","fep","fep","fep","fep","fep","fep","fep","fep","fep"]','fep','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100008.jpg');
INSERT INTO "question" VALUES(1,'train',1000140,100014,'What does Bo call this colour and shape?','["gleb yub","gleb yub","gleb yub","gleb yub","gleb yub","gleb yub","gleb cross","gleb cross","blue yub","blue yub"]','gleb yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100014.jpg');
INSERT INTO "question" VALUES(1,'train',1000180,100018,'What does Ada see?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100018.jpg');
INSERT INTO "question" VALUES(1,'train',1000200,100020,'What does Ada see?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100020.jpg');
INSERT INTO "question" VALUES(1,'train',1000230,100023,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100023.jpg');
INSERT INTO "question" VALUES(1,'train',1000240,100024,'What does Ada see?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100024.jpg');
INSERT INTO "question" VALUES(1,'train',1000280,100028,'Where is it?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100028.jpg');
INSERT INTO "question" VALUES(1,'train',1000290,100029,'What shape is it?','["ring","ring","ring","ring","ring","ring","ring","ring","ring","ring"]','ring','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100029.jpg');
INSERT INTO "question" VALUES(1,'train',1000330,100033,'What does Bo see?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100033.jpg');
INSERT INTO "question" VALUES(1,'train',1000410,100041,'What does Bo call this shape?','["fep","fep","fep","fep","fep","fep","fep","fep","fep","fep"]','fep','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100041.jpg');
INSERT INTO "question" VALUES(1,'train',1000460,100046,'What colour is it?','["orange","orange","orange","orange","orange","orange","orange","orange","orange","orange"]','orange','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100046.jpg');
INSERT INTO "question" VALUES(1,'train',1000510,100051,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100051.jpg');
INSERT INTO "question" VALUES(1,'train',1000530,100053,'What colour is it?','["green","green","green","green","green","green","green","green","green","green"]','green','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100053.jpg');
INSERT INTO "question" VALUES(1,'train',1000670,100067,'What does Bo call this colour?','["pran","pran","pran","pran","pran","pran","pran","pran","pran","pran"]','pran','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100067.jpg');
INSERT INTO "question" VALUES(1,'train',1000690,100069,'What does Ada call this colour and shape?','["quax yub","quax yub","quax yub","quax yub","quax yub","quax yub","quax triangle","quax triangle","blue yub","blue yub"]','quax yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100069.jpg');
INSERT INTO "question" VALUES(1,'train',1000700,100070,'What shape is it?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100070.jpg');
INSERT INTO "question" VALUES(1,'train',1000790,100079,'What shape is it?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100079.jpg');
INSERT INTO "question" VALUES(1,'train',1000820,100082,'What does Bo call this colour and shape?','["gleb clov","gleb clov","gleb clov","gleb clov","gleb clov","gleb clov","gleb circle","gleb circle","blue clov","blue clov"]','gleb clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100082.jpg');
INSERT INTO "question" VALUES(1,'train',1000860,100086,'What shape is it?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100086.jpg');
INSERT INTO "question" VALUES(1,'train',1000880,100088,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100088.jpg');
INSERT INTO "question" VALUES(1,'train',1000920,100092,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100092.jpg');
INSERT INTO "question" VALUES(1,'train',1000980,100098,'What shape is it?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100098.jpg');
INSERT INTO "question" VALUES(1,'train',1000990,100099,'What does Ada call this shape?','["wug","wug","wug","wug","wug","wug","wug","wug","wug","wug"]','wug','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100099.jpg');
INSERT INTO "question" VALUES(1,'train',1001030,100103,'What does Bo call this colour and shape?','["gleb clov","gleb clov","gleb clov","gleb clov","gleb clov","gleb clov","gleb circle","gleb circle","blue clov","blue clov"]','gleb clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100103.jpg');
INSERT INTO "question" VALUES(1,'train',1001040,100104,'Where is it?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100104.jpg');
INSERT INTO "question" VALUES(1,'train',1001060,100106,'What does Ada see?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100106.jpg');
INSERT INTO "question" VALUES(1,'train',1001110,100111,'What shape is it?','["circle","circle","circle","circle","circle","circle","circle","circle","circle","circle"]','circle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100111.jpg');
INSERT INTO "question" VALUES(1,'train',1001130,100113,'What does Bo call this colour and shape?','["tiv clov","tiv clov","tiv clov","tiv clov","tiv clov","tiv clov","tiv circle","tiv circle","yellow clov","yellow clov"]','tiv clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100113.jpg');
INSERT INTO "question" VALUES(1,'train',1001210,100121,'What does Ada see?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100121.jpg');
INSERT INTO "question" VALUES(1,'train',1001270,100127,'What does Bo call this colour and shape?','["pran fep","pran fep","pran fep","pran fep","pran fep","pran fep","pran triangle","pran triangle","orange fep","orange fep"]','pran fep','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100127.jpg');
INSERT INTO "question" VALUES(1,'train',1001340,100134,'What does Bo call this shape?','["clov","clov","clov","clov","clov","clov","clov","clov","clov","clov"]','clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100134.jpg');
INSERT INTO "question" VALUES(1,'train',1001400,100140,'What does Bo call this colour and shape?','["pran quax","pran quax","pran quax","pran quax","pran quax","pran quax","pran square","pran square","orange quax","orange quax"]','pran quax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100140.jpg');
INSERT INTO "question" VALUES(1,'train',1001420,100142,'What does Bo call this colour and shape?','["toma clov","toma clov","toma clov","toma clov","toma clov","toma clov","toma circle","toma circle","green clov","green clov"]','toma clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100142.jpg');
INSERT INTO "question" VALUES(1,'train',1001440,100144,'What does Ada see?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100144.jpg');
INSERT INTO "question" VALUES(1,'train',1001450,100145,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100145.jpg');
INSERT INTO "question" VALUES(1,'train',1001470,100147,'Where is it?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100147.jpg');
INSERT INTO "question" VALUES(1,'train',1001510,100151,'What does Ada call this colour?','["plim","plim","plim","plim","plim","plim","plim","plim","plim","plim"]','plim','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100151.jpg');
INSERT INTO "question" VALUES(1,'train',1001580,100158,'What does Bo call this colour?','["toma","toma","toma","toma","toma","toma","toma","toma","toma","toma"]','toma','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100158.jpg');
INSERT INTO "question" VALUES(1,'train',1001600,100160,'Where is it?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100160.jpg');
INSERT INTO "question" VALUES(1,'train',1001630,100163,'What does Bo call this colour and shape?','["blick quax","blick quax","blick quax","blick quax","blick quax","blick quax","blick square","blick square","purple quax","purple quax"]','blick quax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100163.jpg');
INSERT INTO "question" VALUES(1,'train',1001670,100167,'What does Bo call this shape?','["clov","clov","clov","clov","clov","clov","clov","clov","clov","clov"]','clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100167.jpg');
INSERT INTO "question" VALUES(1,'train',1001680,100168,'What does Ada call this colour?','["tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv"]','tiv','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100168.jpg');
INSERT INTO "question" VALUES(1,'train',1001690,100169,'Where is it?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100169.jpg');
INSERT INTO "question" VALUES(1,'train',1001710,100171,'What does Bo call this colour?','["toma","toma","toma","toma","toma","toma","toma","toma","toma","toma"]','toma','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100171.jpg');
INSERT INTO "question" VALUES(1,'train',1001730,100173,'What does Ada see?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100173.jpg');
INSERT INTO "question" VALUES(1,'train',1001750,100175,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100175.jpg');
INSERT INTO "question" VALUES(1,'train',1001790,100179,'What does Bo call this shape?','["yub","yub","yub","yub","yub","yub","yub","yub","yub","yub"]','yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100179.jpg');
INSERT INTO "question" VALUES(1,'train',1001820,100182,'What does Bo call this colour and shape?','["blick yub","blick yub","blick yub","blick yub","blick yub","blick yub","blick cross","blick cross","purple yub","purple yub"]','blick yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100182.jpg');
INSERT INTO "question" VALUES(1,'train',1001880,100188,'What colour is it?','["purple","purple","purple","purple","purple","purple","purple","purple","purple","purple"]','purple','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100188.jpg');
INSERT INTO "question" VALUES(1,'train',1002030,100203,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100203.jpg');
INSERT INTO "question" VALUES(1,'train',1002060,100206,'What shape is it?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100206.jpg');
INSERT INTO "question" VALUES(1,'train',1002080,100208,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100208.jpg');
INSERT INTO "question" VALUES(1,'train',1002090,100209,'What colour is it?','["blue","blue","blue","blue","blue","blue","blue","blue","blue","blue"]','blue','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100209.jpg');
INSERT INTO "question" VALUES(1,'train',1002100,100210,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100210.jpg');
INSERT INTO "question" VALUES(1,'train',1002150,100215,'What does Bo call this colour?','["tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv"]','tiv','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100215.jpg');
INSERT INTO "question" VALUES(1,'train',1002210,100221,'What does Ada call this colour?','["kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki"]','kiki','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100221.jpg');
INSERT INTO "question" VALUES(1,'train',1002220,100222,'What does Ada call this colour and shape?','["kiki lorp","kiki lorp","kiki lorp","kiki lorp","kiki lorp","kiki lorp","kiki circle","kiki circle","yellow lorp","yellow lorp"]','kiki lorp','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100222.jpg');
INSERT INTO "question" VALUES(1,'train',1002250,100225,'What does Ada call this colour?','["toma","toma","toma","toma","toma","toma","toma","toma","toma","toma"]','toma','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100225.jpg');
INSERT INTO "question" VALUES(1,'train',1002300,100230,'What does Ada call this colour?','["dax","dax","dax","dax","dax","dax","dax","dax","dax","dax"]','dax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100230.jpg');
INSERT INTO "question" VALUES(1,'train',1002360,100236,'What shape is it?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100236.jpg');
INSERT INTO "question" VALUES(1,'train',1002470,100247,'What does Bo call this colour and shape?','["blick yub","blick yub","blick yub","blick yub","blick yub","blick yub","blick cross","blick cross","purple yub","purple yub"]','blick yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100247.jpg');
INSERT INTO "question" VALUES(1,'train',1002500,100250,'What shape is it?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100250.jpg');
INSERT INTO "question" VALUES(1,'train',1002510,100251,'What does Ada call this colour and shape?','["dax wug","dax wug","dax wug","dax wug","dax wug","dax wug","dax cross","dax cross","green wug","green wug"]','dax wug','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100251.jpg');
INSERT INTO "question" VALUES(1,'train',1002520,100252,'What does Bo call this colour and shape?','["pran clov","pran clov","pran clov","pran clov","pran clov","pran clov","pran circle","pran circle","orange clov","orange clov"]','pran clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100252.jpg');
INSERT INTO "question" VALUES(1,'train',1002530,100253,'What does Bo call this shape?','["clov","clov","clov","clov","clov","clov","clov","clov","clov","clov"]','clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100253.jpg');
INSERT INTO "question" VALUES(1,'train',1002570,100257,'What does Bo see?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100257.jpg');
INSERT INTO "question" VALUES(1,'train',1002580,100258,'What does Bo call this colour and shape?','["tiv clov","tiv clov","tiv clov","tiv clov","tiv clov","tiv clov","tiv circle","tiv circle","yellow clov","yellow clov"]','tiv clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100258.jpg');
INSERT INTO "question" VALUES(1,'train',1002620,100262,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100262.jpg');
INSERT INTO "question" VALUES(1,'train',1002660,100266,'What does Ada call this colour and shape?','["toma yub","toma yub","toma yub","toma yub","toma yub","toma yub","toma triangle","toma triangle","red yub","red yub"]','toma yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100266.jpg');
INSERT INTO "question" VALUES(1,'train',1002670,100267,'What colour is it?','["purple","purple","purple","purple","purple","purple","purple","purple","purple","purple"]','purple','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100267.jpg');
INSERT INTO "question" VALUES(1,'train',1002680,100268,'What does Ada call this colour?','["dax","dax","dax","dax","dax","dax","dax","dax","dax","dax"]','dax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100268.jpg');
INSERT INTO "question" VALUES(1,'train',1002700,100270,'What does Ada call this colour?','["tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv"]','tiv','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100270.jpg');
INSERT INTO "question" VALUES(1,'train',1002750,100275,'What does Bo call this colour and shape?','["tiv clov","tiv clov","tiv clov","tiv clov","tiv clov","tiv clov","tiv circle","tiv circle","yellow clov","yellow clov"]','tiv clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100275.jpg');
INSERT INTO "question" VALUES(1,'train',1002920,100292,'What does Ada call this colour and shape?','["kiki lorp","kiki lorp","kiki lorp","kiki lorp","kiki lorp","kiki lorp","kiki circle","kiki circle","yellow lorp","yellow lorp"]','kiki lorp','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100292.jpg');
INSERT INTO "question" VALUES(1,'train',1002950,100295,'What does Ada call this colour and shape?','["quax jeb","quax jeb","quax jeb","quax jeb","quax jeb","quax jeb","quax square","quax square","blue jeb","blue jeb"]','quax jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100295.jpg');
INSERT INTO "question" VALUES(1,'train',1002970,100297,'What does Ada see?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100297.jpg');
INSERT INTO "question" VALUES(1,'train',1003000,100300,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100300.jpg');
INSERT INTO "question" VALUES(1,'train',1003040,100304,'What does Bo call this colour and shape?','["gleb fep","gleb fep","gleb fep","gleb fep","gleb fep","gleb fep","gleb triangle","gleb triangle","blue fep","blue fep"]','gleb fep','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100304.jpg');
INSERT INTO "question" VALUES(1,'train',1003080,100308,'What does Bo call this shape?','["clov","clov","clov","clov","clov","clov","clov","clov","clov","clov"]','clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100308.jpg');
INSERT INTO "question" VALUES(1,'train',1003150,100315,'What shape is it?','["circle","circle","circle","circle","circle","circle","circle","circle","circle","circle"]','circle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100315.jpg');
INSERT INTO "question" VALUES(1,'train',1003160,100316,'What does Ada call this shape?','["wug","wug","wug","wug","wug","wug","wug","wug","wug","wug"]','wug','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100316.jpg');
INSERT INTO "question" VALUES(1,'train',1003170,100317,'What does Ada call this colour?','["quax","quax","quax","quax","quax","quax","quax","quax","quax","quax"]','quax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100317.jpg');
INSERT INTO "question" VALUES(1,'train',1003180,100318,'What does Bo call this colour and shape?','["blick quax","blick quax","blick quax","blick quax","blick quax","blick quax","blick square","blick square","purple quax","purple quax"]','blick quax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100318.jpg');
INSERT INTO "question" VALUES(1,'train',1003190,100319,'What does Ada call this colour and shape?','["toma vork","toma vork","toma vork","toma vork","toma vork","toma vork","toma ring","toma ring","red vork","red vork"]','toma vork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100319.jpg');
INSERT INTO "question" VALUES(1,'train',1003200,100320,'What does Ada see?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100320.jpg');
INSERT INTO "question" VALUES(1,'train',1003220,100322,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100322.jpg');
INSERT INTO "question" VALUES(1,'train',1003330,100333,'What does Bo call this shape?','["quax","quax","quax","quax","quax","quax","quax","quax","quax","quax"]','quax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100333.jpg');
INSERT INTO "question" VALUES(1,'train',1003350,100335,'What does Bo call this colour and shape?','["blick yub","blick yub","blick yub","blick yub","blick yub","blick yub","blick cross","blick cross","purple yub","purple yub"]','blick yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100335.jpg');
INSERT INTO "question" VALUES(1,'train',1003390,100339,'What shape is it?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100339.jpg');
INSERT INTO "question" VALUES(1,'train',1003430,100343,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100343.jpg');
INSERT INTO "question" VALUES(1,'train',1003480,100348,'What does Ada see?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100348.jpg');
INSERT INTO "question" VALUES(1,'train',1003490,100349,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100349.jpg');
INSERT INTO "question" VALUES(1,'train',1003510,100351,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100351.jpg');
INSERT INTO "question" VALUES(1,'train',1003540,100354,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100354.jpg');
INSERT INTO "question" VALUES(1,'train',1003560,100356,'What does Ada call this colour?','["tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv"]','tiv','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100356.jpg');
INSERT INTO "question" VALUES(1,'train',1003610,100361,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100361.jpg');
INSERT INTO "question" VALUES(1,'train',1003630,100363,'What does Ada see?','["ring","ring","ring","ring","ring","ring","ring","ring","ring","ring"]','ring','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100363.jpg');
INSERT INTO "question" VALUES(1,'train',1003650,100365,'What does Ada call this shape?','["jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb"]','jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100365.jpg');
INSERT INTO "question" VALUES(1,'train',1003670,100367,'What does Bo call this shape?','["yub","yub","yub","yub","yub","yub","yub","yub","yub","yub"]','yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100367.jpg');
INSERT INTO "question" VALUES(1,'train',1003730,100373,'What colour is it?','["blue","blue","blue","blue","blue","blue","blue","blue","blue","blue"]','blue','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100373.jpg');
INSERT INTO "question" VALUES(1,'train',1003840,100384,'What does Ada call this colour?','["tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv"]','tiv','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100384.jpg');
INSERT INTO "question" VALUES(1,'train',1003850,100385,'What does Ada call this colour and shape?','["toma wug","toma wug","toma wug","toma wug","toma wug","toma wug","toma cross","toma cross","red wug","red wug"]','toma wug','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100385.jpg');
INSERT INTO "question" VALUES(1,'train',1003870,100387,'Where is it?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100387.jpg');
INSERT INTO "question" VALUES(1,'train',1003940,100394,'What does Bo call this colour and shape?','["kiki fep","kiki fep","kiki fep","kiki fep","kiki fep","kiki fep","kiki triangle","kiki triangle","red fep","red fep"]','kiki fep','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100394.jpg');
INSERT INTO "question" VALUES(1,'train',1003990,100399,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100399.jpg');
INSERT INTO "question" VALUES(1,'train',1004000,100400,'What does Ada see?','["circle","circle","circle","circle","circle","circle","circle","circle","circle","circle"]','circle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100400.jpg');
INSERT INTO "question" VALUES(1,'train',1004040,100404,'What shape is it?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100404.jpg');
INSERT INTO "question" VALUES(1,'train',1004120,100412,'What does Ada see?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100412.jpg');
INSERT INTO "question" VALUES(1,'train',1004130,100413,'What does Ada call this colour?','["quax","quax","quax","quax","quax","quax","quax","quax","quax","quax"]','quax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100413.jpg');
INSERT INTO "question" VALUES(1,'train',1004180,100418,'What does Ada see?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100418.jpg');
INSERT INTO "question" VALUES(1,'train',1004220,100422,'What does Ada see?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100422.jpg');
INSERT INTO "question" VALUES(1,'train',1004250,100425,'What does Bo see?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100425.jpg');
INSERT INTO "question" VALUES(1,'train',1004270,100427,'What does Ada call this colour and shape?','["tiv jeb","tiv jeb","tiv jeb","tiv jeb","tiv jeb","tiv jeb","tiv square","tiv square","orange jeb","orange jeb"]','tiv jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100427.jpg');
INSERT INTO "question" VALUES(1,'train',1004300,100430,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100430.jpg');
INSERT INTO "question" VALUES(1,'train',1004360,100436,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100436.jpg');
INSERT INTO "question" VALUES(1,'train',1004390,100439,'What colour is it?','["purple","purple","purple","purple","purple","purple","purple","purple","purple","purple"]','purple','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100439.jpg');
INSERT INTO "question" VALUES(1,'train',1004430,100443,'What does Ada call this colour and shape?','["tiv wug","tiv wug","tiv wug","tiv wug","tiv wug","tiv wug","tiv cross","tiv cross","orange wug","orange wug"]','tiv wug','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100443.jpg');
INSERT INTO "question" VALUES(1,'train',1004460,100446,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100446.jpg');
INSERT INTO "question" VALUES(1,'train',1004470,100447,'What does Ada call this colour and shape?','["kiki lorp","kiki lorp","kiki lorp","kiki lorp","kiki lorp","kiki lorp","kiki circle","kiki circle","yellow lorp","yellow lorp"]','kiki lorp','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100447.jpg');
INSERT INTO "question" VALUES(1,'train',1004490,100449,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100449.jpg');
INSERT INTO "question" VALUES(1,'train',1004510,100451,'Where is it?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100451.jpg');
INSERT INTO "question" VALUES(1,'train',1004520,100452,'Where is it?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100452.jpg');
INSERT INTO "question" VALUES(1,'train',1004560,100456,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100456.jpg');
INSERT INTO "question" VALUES(1,'train',1004580,100458,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100458.jpg');
INSERT INTO "question" VALUES(1,'train',1004600,100460,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100460.jpg');
INSERT INTO "question" VALUES(1,'train',1004610,100461,'What does Ada call this colour?','["dax","dax","dax","dax","dax","dax","dax","dax","dax","dax"]','dax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100461.jpg');
INSERT INTO "question" VALUES(1,'train',1004640,100464,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100464.jpg');
INSERT INTO "question" VALUES(1,'train',1004660,100466,'What does Bo call this shape?','["clov","clov","clov","clov","clov","clov","clov","clov","clov","clov"]','clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100466.jpg');
INSERT INTO "question" VALUES(1,'train',1004690,100469,'Where is it?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100469.jpg');
INSERT INTO "question" VALUES(1,'train',1004720,100472,'What does Bo call this shape?','["quax","quax","quax","quax","quax","quax","quax","quax","quax","quax"]','quax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100472.jpg');
INSERT INTO "question" VALUES(1,'train',1004730,100473,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100473.jpg');
INSERT INTO "question" VALUES(1,'train',1004740,100474,'What does Ada see?','["circle","circle","circle","circle","circle","circle","circle","circle","circle","circle"]','circle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100474.jpg');
INSERT INTO "question" VALUES(1,'train',1004800,100480,'What does Bo call this shape?','["mork","mork","mork","mork","mork","mork","mork","mork","mork","mork"]','mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100480.jpg');
INSERT INTO "question" VALUES(1,'train',1004810,100481,'What does Ada call this shape?','["yub","yub","yub","yub","yub","yub","yub","yub","yub","yub"]','yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100481.jpg');
INSERT INTO "question" VALUES(1,'train',1004820,100482,'What does Ada call this colour and shape?','["dax yub","dax yub","dax yub","dax yub","dax yub","dax yub","dax triangle","dax triangle","green yub","green yub"]','dax yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100482.jpg');
INSERT INTO "question" VALUES(1,'train',1004840,100484,'What does Bo call this colour?','["gleb","gleb","gleb","gleb","gleb","gleb","gleb","gleb","gleb","gleb"]','gleb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100484.jpg');
INSERT INTO "question" VALUES(1,'train',1004880,100488,'What shape is it?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100488.jpg');
INSERT INTO "question" VALUES(1,'train',1004900,100490,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100490.jpg');
INSERT INTO "question" VALUES(1,'train',1004940,100494,'What does Ada call this colour and shape?','["kiki jeb","kiki jeb","kiki jeb","kiki jeb","kiki jeb","kiki jeb","kiki square","kiki square","yellow jeb","yellow jeb"]','kiki jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100494.jpg');
INSERT INTO "question" VALUES(1,'train',1004970,100497,'What does Bo call this shape?','["mork","mork","mork","mork","mork","mork","mork","mork","mork","mork"]','mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100497.jpg');
INSERT INTO "question" VALUES(1,'train',1004990,100499,'What does Bo call this colour?','["tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv"]','tiv','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100499.jpg');
INSERT INTO "question" VALUES(1,'train',1005000,100500,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100500.jpg');
INSERT INTO "question" VALUES(1,'train',1005030,100503,'What colour is it?','["green","green","green","green","green","green","green","green","green","green"]','green','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100503.jpg');
INSERT INTO "question" VALUES(1,'train',1005050,100505,'What does Bo see?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100505.jpg');
INSERT INTO "question" VALUES(1,'train',1005070,100507,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100507.jpg');
INSERT INTO "question" VALUES(1,'train',1005080,100508,'Where is it?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100508.jpg');
INSERT INTO "question" VALUES(1,'train',1005090,100509,'What does Ada call this shape?','["jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb"]','jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100509.jpg');
INSERT INTO "question" VALUES(1,'train',1005160,100516,'What does Ada call this colour and shape?','["quax jeb","quax jeb","quax jeb","quax jeb","quax jeb","quax jeb","quax square","quax square","blue jeb","blue jeb"]','quax jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100516.jpg');
INSERT INTO "question" VALUES(1,'train',1005200,100520,'What does Bo call this colour?','["blick","blick","blick","blick","blick","blick","blick","blick","blick","blick"]','blick','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100520.jpg');
INSERT INTO "question" VALUES(1,'train',1005240,100524,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100524.jpg');
INSERT INTO "question" VALUES(1,'train',1005260,100526,'What does Ada call this colour and shape?','["plim wug","plim wug","plim wug","plim wug","plim wug","plim wug","plim cross","plim cross","purple wug","purple wug"]','plim wug','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100526.jpg');
INSERT INTO "question" VALUES(1,'train',1005290,100529,'What does Ada see?','["circle","circle","circle","circle","circle","circle","circle","circle","circle","circle"]','circle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100529.jpg');
INSERT INTO "question" VALUES(1,'train',1005330,100533,'What shape is it?','["circle","circle","circle","circle","circle","circle","circle","circle","circle","circle"]','circle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100533.jpg');
INSERT INTO "question" VALUES(1,'train',1005370,100537,'What does Bo call this shape?','["mork","mork","mork","mork","mork","mork","mork","mork","mork","mork"]','mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100537.jpg');
INSERT INTO "question" VALUES(1,'train',1005400,100540,'What does Ada see?','["ring","ring","ring","ring","ring","ring","ring","ring","ring","ring"]','ring','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100540.jpg');
INSERT INTO "question" VALUES(1,'train',1005410,100541,'What does Ada see?','["circle","circle","circle","circle","circle","circle","circle","circle","circle","circle"]','circle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100541.jpg');
INSERT INTO "question" VALUES(1,'train',1005470,100547,'What does Ada call this colour and shape?','["quax lorp","quax lorp","quax lorp","quax lorp","quax lorp","quax lorp","quax circle","quax circle","blue lorp","blue lorp"]','quax lorp','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100547.jpg');
INSERT INTO "question" VALUES(1,'train',1005480,100548,'Where is it?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100548.jpg');
INSERT INTO "question" VALUES(1,'train',1005510,100551,'What does Bo call this colour?','["blick","blick","blick","blick","blick","blick","blick","blick","blick","blick"]','blick','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100551.jpg');
INSERT INTO "question" VALUES(1,'train',1005530,100553,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100553.jpg');
INSERT INTO "question" VALUES(1,'train',1005630,100563,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100563.jpg');
INSERT INTO "question" VALUES(1,'train',1005640,100564,'Where is it?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100564.jpg');
INSERT INTO "question" VALUES(1,'train',1005660,100566,'What does Bo call this colour and shape?','["tiv fep","tiv fep","tiv fep","tiv fep","tiv fep","tiv fep","tiv triangle","tiv triangle","yellow fep","yellow fep"]','tiv fep','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100566.jpg');
INSERT INTO "question" VALUES(1,'train',1005670,100567,'What does Ada call this shape?','["vork","vork","vork","vork","vork","vork","vork","vork","vork","vork"]','vork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100567.jpg');
INSERT INTO "question" VALUES(1,'train',1005680,100568,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100568.jpg');
INSERT INTO "question" VALUES(1,'train',1005720,100572,'What does Ada see?','["circle","circle","circle","circle","circle","circle","circle","circle","circle","circle"]','circle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100572.jpg');
INSERT INTO "question" VALUES(1,'train',1005810,100581,'What does Bo call this colour and shape?','["tiv fep","tiv fep","tiv fep","tiv fep","tiv fep","tiv fep","tiv triangle","tiv triangle","yellow fep","yellow fep"]','tiv fep','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100581.jpg');
INSERT INTO "question" VALUES(1,'train',1005820,100582,'What does Bo call this colour?','["kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki"]','kiki','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100582.jpg');
INSERT INTO "question" VALUES(1,'train',1005830,100583,'What colour is it?','["purple","purple","purple","purple","purple","purple","purple","purple","purple","purple"]','purple','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100583.jpg');
INSERT INTO "question" VALUES(1,'train',1005840,100584,'What colour is it?','["yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow"]','yellow','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100584.jpg');
INSERT INTO "question" VALUES(1,'train',1005870,100587,'What does Bo call this shape?','["clov","clov","clov","clov","clov","clov","clov","clov","clov","clov"]','clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100587.jpg');
INSERT INTO "question" VALUES(1,'train',1005880,100588,'What does Ada call this colour and shape?','["plim wug","plim wug","plim wug","plim wug","plim wug","plim wug","plim cross","plim cross","purple wug","purple wug"]','plim wug','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100588.jpg');
INSERT INTO "question" VALUES(1,'train',1005920,100592,'What does Ada call this colour?','["kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki"]','kiki','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100592.jpg');
INSERT INTO "question" VALUES(1,'train',1005940,100594,'What does Ada call this colour?','["dax","dax","dax","dax","dax","dax","dax","dax","dax","dax"]','dax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100594.jpg');
INSERT INTO "question" VALUES(1,'train',1005990,100599,'What does Bo see?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100599.jpg');
INSERT INTO "question" VALUES(1,'train',1006000,100600,'What does Bo call this colour and shape?','["tiv fep","tiv fep","tiv fep","tiv fep","tiv fep","tiv fep","tiv triangle","tiv triangle","yellow fep","yellow fep"]','tiv fep','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100600.jpg');
INSERT INTO "question" VALUES(1,'train',1006010,100601,'What shape is it?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100601.jpg');
INSERT INTO "question" VALUES(1,'train',1006050,100605,'What does Bo call this colour and shape?','["blick fep","blick fep","blick fep","blick fep","blick fep","blick fep","blick triangle","blick triangle","purple fep","purple fep"]','blick fep','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100605.jpg');
INSERT INTO "question" VALUES(1,'train',1006090,100609,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100609.jpg');
INSERT INTO "question" VALUES(1,'train',1006120,100612,'What does Bo call this colour?','["tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv"]','tiv','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100612.jpg');
INSERT INTO "question" VALUES(1,'train',1006130,100613,'What does Bo call this colour and shape?','["toma clov","toma clov","toma clov","toma clov","toma clov","toma clov","toma circle","toma circle","green clov","green clov"]','toma clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100613.jpg');
INSERT INTO "question" VALUES(1,'train',1006190,100619,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100619.jpg');
INSERT INTO "question" VALUES(1,'train',1006220,100622,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100622.jpg');
INSERT INTO "question" VALUES(1,'train',1006270,100627,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100627.jpg');
INSERT INTO "question" VALUES(1,'train',1006340,100634,'What does Ada see?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100634.jpg');
INSERT INTO "question" VALUES(1,'train',1006350,100635,'What does Bo call this shape?','["quax","quax","quax","quax","quax","quax","quax","quax","quax","quax"]','quax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100635.jpg');
INSERT INTO "question" VALUES(1,'train',1006360,100636,'Where is it?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100636.jpg');
INSERT INTO "question" VALUES(1,'train',1006460,100646,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100646.jpg');
INSERT INTO "question" VALUES(1,'train',1006480,100648,'What does Bo call this shape?','["mork","mork","mork","mork","mork","mork","mork","mork","mork","mork"]','mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100648.jpg');
INSERT INTO "question" VALUES(1,'train',1006490,100649,'What does Bo call this colour and shape?','["kiki fep","kiki fep","kiki fep","kiki fep","kiki fep","kiki fep","kiki triangle","kiki triangle","red fep","red fep"]','kiki fep','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100649.jpg');
INSERT INTO "question" VALUES(1,'train',1006570,100657,'Where is it?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100657.jpg');
INSERT INTO "question" VALUES(1,'train',1006580,100658,'What does Ada call this shape?','["jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb"]','jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100658.jpg');
INSERT INTO "question" VALUES(1,'train',1006650,100665,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100665.jpg');
INSERT INTO "question" VALUES(1,'train',1006660,100666,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100666.jpg');
INSERT INTO "question" VALUES(1,'train',1006700,100670,'What does Ada see?','["circle","circle","circle","circle","circle","circle","circle","circle","circle","circle"]','circle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100670.jpg');
INSERT INTO "question" VALUES(1,'train',1006710,100671,'What shape is it?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100671.jpg');
INSERT INTO "question" VALUES(1,'train',1006720,100672,'What does Ada call this colour?','["dax","dax","dax","dax","dax","dax","dax","dax","dax","dax"]','dax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100672.jpg');
INSERT INTO "question" VALUES(1,'train',1006750,100675,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100675.jpg');
INSERT INTO "question" VALUES(1,'train',1006770,100677,'What shape is it?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100677.jpg');
INSERT INTO "question" VALUES(1,'train',1006800,100680,'What does Bo call this colour and shape?','["pran mork","pran mork","pran mork","pran mork","pran mork","pran mork","pran ring","pran ring","orange mork","orange mork"]','pran mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100680.jpg');
INSERT INTO "question" VALUES(1,'train',1006820,100682,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100682.jpg');
INSERT INTO "question" VALUES(1,'train',1006930,100693,'What does Ada see?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100693.jpg');
INSERT INTO "question" VALUES(1,'train',1006940,100694,'What colour is it?','["purple","purple","purple","purple","purple","purple","purple","purple","purple","purple"]','purple','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100694.jpg');
INSERT INTO "question" VALUES(1,'train',1006950,100695,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100695.jpg');
INSERT INTO "question" VALUES(1,'train',1006960,100696,'What does Ada call this colour and shape?','["quax lorp","quax lorp","quax lorp","quax lorp","quax lorp","quax lorp","quax circle","quax circle","blue lorp","blue lorp"]','quax lorp','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100696.jpg');
INSERT INTO "question" VALUES(1,'train',1006970,100697,'What does Bo call this colour and shape?','["gleb fep","gleb fep","gleb fep","gleb fep","gleb fep","gleb fep","gleb triangle","gleb triangle","blue fep","blue fep"]','gleb fep','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100697.jpg');
INSERT INTO "question" VALUES(1,'train',1006980,100698,'What does Ada call this shape?','["wug","wug","wug","wug","wug","wug","wug","wug","wug","wug"]','wug','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100698.jpg');
INSERT INTO "question" VALUES(1,'train',1007050,100705,'What colour is it?','["yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow"]','yellow','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100705.jpg');
INSERT INTO "question" VALUES(1,'train',1007060,100706,'What colour is it?','["yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow"]','yellow','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100706.jpg');
INSERT INTO "question" VALUES(1,'train',1007070,100707,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100707.jpg');
INSERT INTO "question" VALUES(1,'train',1007100,100710,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100710.jpg');
INSERT INTO "question" VALUES(1,'train',1007190,100719,'What does Bo call this colour and shape?','["pran clov","pran clov","pran clov","pran clov","pran clov","pran clov","pran circle","pran circle","orange clov","orange clov"]','pran clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100719.jpg');
INSERT INTO "question" VALUES(1,'train',1007220,100722,'What colour is it?','["blue","blue","blue","blue","blue","blue","blue","blue","blue","blue"]','blue','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100722.jpg');
INSERT INTO "question" VALUES(1,'train',1007260,100726,'What does Ada call this colour?','["toma","toma","toma","toma","toma","toma","toma","toma","toma","toma"]','toma','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100726.jpg');
INSERT INTO "question" VALUES(1,'train',1007280,100728,'What does Ada call this shape?','["jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb"]','jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100728.jpg');
INSERT INTO "question" VALUES(1,'train',1007290,100729,'What does Ada call this colour and shape?','["plim lorp","plim lorp","plim lorp","plim lorp","plim lorp","plim lorp","plim circle","plim circle","purple lorp","purple lorp"]','plim lorp','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100729.jpg');
INSERT INTO "question" VALUES(1,'train',1007340,100734,'What does Ada see?','["ring","ring","ring","ring","ring","ring","ring","ring","ring","ring"]','ring','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100734.jpg');
INSERT INTO "question" VALUES(1,'train',1007350,100735,'What does Ada see?','["circle","circle","circle","circle","circle","circle","circle","circle","circle","circle"]','circle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100735.jpg');
INSERT INTO "question" VALUES(1,'train',1007390,100739,'What does Bo call this colour and shape?','["toma yub","toma yub","toma yub","toma yub","toma yub","toma yub","toma cross","toma cross","green yub","green yub"]','toma yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100739.jpg');
INSERT INTO "question" VALUES(1,'train',1007460,100746,'What does Bo call this colour and shape?','["gleb clov","gleb clov","gleb clov","gleb clov","gleb clov","gleb clov","gleb circle","gleb circle","blue clov","blue clov"]','gleb clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100746.jpg');
INSERT INTO "question" VALUES(1,'train',1007500,100750,'What does Bo call this shape?','["clov","clov","clov","clov","clov","clov","clov","clov","clov","clov"]','clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100750.jpg');
INSERT INTO "question" VALUES(1,'train',1007550,100755,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100755.jpg');
INSERT INTO "question" VALUES(1,'train',1007610,100761,'What does Ada call this shape?','["jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb"]','jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100761.jpg');
INSERT INTO "question" VALUES(1,'train',1007630,100763,'Where is it?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100763.jpg');
INSERT INTO "question" VALUES(1,'train',1007640,100764,'What does Ada call this colour and shape?','["tiv lorp","tiv lorp","tiv lorp","tiv lorp","tiv lorp","tiv lorp","tiv circle","tiv circle","orange lorp","orange lorp"]','tiv lorp','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100764.jpg');
INSERT INTO "question" VALUES(1,'train',1007650,100765,'What does Bo call this colour and shape?','["blick quax","blick quax","blick quax","blick quax","blick quax","blick quax","blick square","blick square","purple quax","purple quax"]','blick quax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100765.jpg');
INSERT INTO "question" VALUES(1,'train',1007710,100771,'What does Ada call this colour?','["dax","dax","dax","dax","dax","dax","dax","dax","dax","dax"]','dax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100771.jpg');
INSERT INTO "question" VALUES(1,'train',1007730,100773,'What does Bo call this colour and shape?','["toma clov","toma clov","toma clov","toma clov","toma clov","toma clov","toma circle","toma circle","green clov","green clov"]','toma clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100773.jpg');
INSERT INTO "question" VALUES(1,'train',1007820,100782,'What does Ada call this colour?','["dax","dax","dax","dax","dax","dax","dax","dax","dax","dax"]','dax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100782.jpg');
INSERT INTO "question" VALUES(1,'train',1007870,100787,'What does Ada call this colour and shape?','["plim lorp","plim lorp","plim lorp","plim lorp","plim lorp","plim lorp","plim circle","plim circle","purple lorp","purple lorp"]','plim lorp','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100787.jpg');
INSERT INTO "question" VALUES(1,'train',1007900,100790,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100790.jpg');
INSERT INTO "question" VALUES(1,'train',1007930,100793,'What does Bo call this colour and shape?','["pran yub","pran yub","pran yub","pran yub","pran yub","pran yub","pran cross","pran cross","orange yub","orange yub"]','pran yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100793.jpg');
INSERT INTO "question" VALUES(1,'train',1007940,100794,'What shape is it?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100794.jpg');
INSERT INTO "question" VALUES(1,'train',1007950,100795,'What shape is it?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100795.jpg');
INSERT INTO "question" VALUES(1,'train',1008010,100801,'What colour is it?','["yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow"]','yellow','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100801.jpg');
INSERT INTO "question" VALUES(1,'train',1008030,100803,'What does Bo call this colour and shape?','["gleb mork","gleb mork","gleb mork","gleb mork","gleb mork","gleb mork","gleb ring","gleb ring","blue mork","blue mork"]','gleb mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100803.jpg');
INSERT INTO "question" VALUES(1,'train',1008080,100808,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100808.jpg');
INSERT INTO "question" VALUES(1,'train',1008100,100810,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100810.jpg');
INSERT INTO "question" VALUES(1,'train',1008120,100812,'What does Bo call this shape?','["mork","mork","mork","mork","mork","mork","mork","mork","mork","mork"]','mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100812.jpg');
INSERT INTO "question" VALUES(1,'train',1008290,100829,'What does Bo call this colour?','["gleb","gleb","gleb","gleb","gleb","gleb","gleb","gleb","gleb","gleb"]','gleb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100829.jpg');
INSERT INTO "question" VALUES(1,'train',1008300,100830,'What does Bo call this colour and shape?','["pran fep","pran fep","pran fep","pran fep","pran fep","pran fep","pran triangle","pran triangle","orange fep","orange fep"]','pran fep','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100830.jpg');
INSERT INTO "question" VALUES(1,'train',1008320,100832,'What does Bo call this colour and shape?','["tiv mork","tiv mork","tiv mork","tiv mork","tiv mork","tiv mork","tiv ring","tiv ring","yellow mork","yellow mork"]','tiv mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100832.jpg');
INSERT INTO "question" VALUES(1,'train',1008350,100835,'What does Bo call this shape?','["yub","yub","yub","yub","yub","yub","yub","yub","yub","yub"]','yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100835.jpg');
INSERT INTO "question" VALUES(1,'train',1008360,100836,'Where is it?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100836.jpg');
INSERT INTO "question" VALUES(1,'train',1008400,100840,'What does Ada call this colour?','["toma","toma","toma","toma","toma","toma","toma","toma","toma","toma"]','toma','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100840.jpg');
INSERT INTO "question" VALUES(1,'train',1008420,100842,'What does Bo call this colour?','["tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv"]','tiv','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100842.jpg');
INSERT INTO "question" VALUES(1,'train',1008450,100845,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100845.jpg');
INSERT INTO "question" VALUES(1,'train',1008480,100848,'What does Bo see?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100848.jpg');
INSERT INTO "question" VALUES(1,'train',1008490,100849,'What does Bo call this colour?','["toma","toma","toma","toma","toma","toma","toma","toma","toma","toma"]','toma','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100849.jpg');
INSERT INTO "question" VALUES(1,'train',1008650,100865,'What does Ada call this colour and shape?','["plim jeb","plim jeb","plim jeb","plim jeb","plim jeb","plim jeb","plim square","plim square","purple jeb","purple jeb"]','plim jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100865.jpg');
INSERT INTO "question" VALUES(1,'train',1008670,100867,'What does Ada call this shape?','["jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb"]','jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100867.jpg');
INSERT INTO "question" VALUES(1,'train',1008680,100868,'What does Ada see?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100868.jpg');
INSERT INTO "question" VALUES(1,'train',1008700,100870,'What does Bo call this colour?','["tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv"]','tiv','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100870.jpg');
INSERT INTO "question" VALUES(1,'train',1008710,100871,'What does Ada call this colour and shape?','["dax vork","dax vork","dax vork","dax vork","dax vork","dax vork","dax ring","dax ring","green vork","green vork"]','dax vork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100871.jpg');
INSERT INTO "question" VALUES(1,'train',1008790,100879,'What does Ada see?','["ring","ring","ring","ring","ring","ring","ring","ring","ring","ring"]','ring','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100879.jpg');
INSERT INTO "question" VALUES(1,'train',1008810,100881,'What shape is it?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100881.jpg');
INSERT INTO "question" VALUES(1,'train',1008830,100883,'Where is it?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100883.jpg');
INSERT INTO "question" VALUES(1,'train',1008890,100889,'What shape is it?','["ring","ring","ring","ring","ring","ring","ring","ring","ring","ring"]','ring','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100889.jpg');
INSERT INTO "question" VALUES(1,'train',1008910,100891,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100891.jpg');
INSERT INTO "question" VALUES(1,'train',1008930,100893,'What does Bo see?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100893.jpg');
INSERT INTO "question" VALUES(1,'train',1008950,100895,'What does Ada call this colour?','["tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv"]','tiv','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100895.jpg');
INSERT INTO "question" VALUES(1,'train',1008980,100898,'What does Ada call this colour?','["plim","plim","plim","plim","plim","plim","plim","plim","plim","plim"]','plim','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100898.jpg');
INSERT INTO "question" VALUES(1,'train',1008990,100899,'What does Bo call this colour?','["blick","blick","blick","blick","blick","blick","blick","blick","blick","blick"]','blick','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100899.jpg');
INSERT INTO "question" VALUES(1,'train',1009010,100901,'Where is it?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100901.jpg');
INSERT INTO "question" VALUES(1,'train',1009070,100907,'What colour is it?','["green","green","green","green","green","green","green","green","green","green"]','green','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100907.jpg');
INSERT INTO "question" VALUES(1,'train',1009090,100909,'What does Bo call this colour and shape?','["tiv quax","tiv quax","tiv quax","tiv quax","tiv quax","tiv quax","tiv square","tiv square","yellow quax","yellow quax"]','tiv quax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100909.jpg');
INSERT INTO "question" VALUES(1,'train',1009100,100910,'What does Bo call this shape?','["yub","yub","yub","yub","yub","yub","yub","yub","yub","yub"]','yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100910.jpg');
INSERT INTO "question" VALUES(1,'train',1009120,100912,'What does Bo call this colour and shape?','["pran mork","pran mork","pran mork","pran mork","pran mork","pran mork","pran ring","pran ring","orange mork","orange mork"]','pran mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100912.jpg');
INSERT INTO "question" VALUES(1,'train',1009140,100914,'What does Bo call this shape?','["mork","mork","mork","mork","mork","mork","mork","mork","mork","mork"]','mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100914.jpg');
INSERT INTO "question" VALUES(1,'train',1009190,100919,'What colour is it?','["orange","orange","orange","orange","orange","orange","orange","orange","orange","orange"]','orange','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100919.jpg');
INSERT INTO "question" VALUES(1,'train',1009220,100922,'What does Bo call this shape?','["clov","clov","clov","clov","clov","clov","clov","clov","clov","clov"]','clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100922.jpg');
INSERT INTO "question" VALUES(1,'train',1009340,100934,'What does Bo call this colour?','["tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv"]','tiv','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100934.jpg');
INSERT INTO "question" VALUES(1,'train',1009440,100944,'What colour is it?','["green","green","green","green","green","green","green","green","green","green"]','green','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100944.jpg');
INSERT INTO "question" VALUES(1,'train',1009460,100946,'What does Ada see?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100946.jpg');
INSERT INTO "question" VALUES(1,'train',1009470,100947,'What does Ada see?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100947.jpg');
INSERT INTO "question" VALUES(1,'train',1009570,100957,'What does Ada see?','["circle","circle","circle","circle","circle","circle","circle","circle","circle","circle"]','circle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100957.jpg');
INSERT INTO "question" VALUES(1,'train',1009590,100959,'What does Bo call this colour and shape?','["gleb clov","gleb clov","gleb clov","gleb clov","gleb clov","gleb clov","gleb circle","gleb circle","blue clov","blue clov"]','gleb clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100959.jpg');
INSERT INTO "question" VALUES(1,'train',1009600,100960,'What does Bo call this colour and shape?','["pran yub","pran yub","pran yub","pran yub","pran yub","pran yub","pran cross","pran cross","orange yub","orange yub"]','pran yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100960.jpg');
INSERT INTO "question" VALUES(1,'train',1009630,100963,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100963.jpg');
INSERT INTO "question" VALUES(1,'train',1009660,100966,'What does Ada call this colour and shape?','["dax wug","dax wug","dax wug","dax wug","dax wug","dax wug","dax cross","dax cross","green wug","green wug"]','dax wug','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100966.jpg');
INSERT INTO "question" VALUES(1,'train',1009670,100967,'What does Ada call this shape?','["jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb"]','jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100967.jpg');
INSERT INTO "question" VALUES(1,'train',1009690,100969,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100969.jpg');
INSERT INTO "question" VALUES(1,'train',1009750,100975,'What does Ada see?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100975.jpg');
INSERT INTO "question" VALUES(1,'train',1009790,100979,'What does Bo call this colour and shape?','["tiv clov","tiv clov","tiv clov","tiv clov","tiv clov","tiv clov","tiv circle","tiv circle","yellow clov","yellow clov"]','tiv clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100979.jpg');
INSERT INTO "question" VALUES(1,'train',1009800,100980,'What shape is it?','["ring","ring","ring","ring","ring","ring","ring","ring","ring","ring"]','ring','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100980.jpg');
INSERT INTO "question" VALUES(1,'train',1009830,100983,'What does Bo see?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100983.jpg');
INSERT INTO "question" VALUES(1,'train',1009850,100985,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100985.jpg');
INSERT INTO "question" VALUES(1,'train',1009870,100987,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100987.jpg');
INSERT INTO "question" VALUES(1,'train',1009890,100989,'What shape is it?','["ring","ring","ring","ring","ring","ring","ring","ring","ring","ring"]','ring','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100989.jpg');
INSERT INTO "question" VALUES(1,'train',1009900,100990,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100990.jpg');
INSERT INTO "question" VALUES(1,'train',1009950,100995,'What shape is it?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100995.jpg');
INSERT INTO "question" VALUES(1,'train',1009970,100997,'What does Ada call this colour?','["tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv"]','tiv','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/train2014/COCO_train2014_000000100997.jpg');
INSERT INTO "question" VALUES(1,'val',5000010,500001,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500001.jpg');
INSERT INTO "question" VALUES(1,'val',5000030,500003,'What colour is it?','["orange","orange","orange","orange","orange","orange","orange","orange","orange","orange"]','orange','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500003.jpg');
INSERT INTO "question" VALUES(1,'val',5000060,500006,'Where is it?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500006.jpg');
INSERT INTO "question" VALUES(1,'val',5000100,500010,'What does Bo call this colour and shape?','["tiv mork","tiv mork","tiv mork","tiv mork","tiv mork","tiv mork","tiv ring","tiv ring","yellow mork","yellow mork"]','tiv mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500010.jpg');
INSERT INTO "question" VALUES(1,'val',5000130,500013,'What does Bo call this shape?','["quax","quax","quax","quax","quax","quax","quax","quax","quax","quax"]','quax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500013.jpg');
INSERT INTO "question" VALUES(1,'val',5000150,500015,'What does Bo call this colour and shape?','["blick quax","blick quax","blick quax","blick quax","blick quax","blick quax","blick square","blick square","purple quax","purple quax"]','blick quax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500015.jpg');
INSERT INTO "question" VALUES(1,'val',5000200,500020,'What does Ada call this shape?','["wug","wug","wug","wug","wug","wug","wug","wug","wug","wug"]','wug','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500020.jpg');
INSERT INTO "question" VALUES(1,'val',5000240,500024,'What does Bo call this colour and shape?','["kiki clov","kiki clov","kiki clov","kiki clov","kiki clov","kiki clov","kiki circle","kiki circle","red clov","red clov"]','kiki clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500024.jpg');
INSERT INTO "question" VALUES(1,'val',5000290,500029,'What does Ada call this colour and shape?','["quax jeb","quax jeb","quax jeb","quax jeb","quax jeb","quax jeb","quax square","quax square","blue jeb","blue jeb"]','quax jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500029.jpg');
INSERT INTO "question" VALUES(1,'val',5000400,500040,'What does Bo call this colour and shape?','["toma clov","toma clov","toma clov","toma clov","toma clov","toma clov","toma circle","toma circle","green clov","green clov"]','toma clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500040.jpg');
INSERT INTO "question" VALUES(1,'val',5000410,500041,'What does Bo call this colour and shape?','["blick quax","blick quax","blick quax","blick quax","blick quax","blick quax","blick square","blick square","purple quax","purple quax"]','blick quax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500041.jpg');
INSERT INTO "question" VALUES(1,'val',5000420,500042,'What shape is it?','["ring","ring","ring","ring","ring","ring","ring","ring","ring","ring"]','ring','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500042.jpg');
INSERT INTO "question" VALUES(1,'val',5000440,500044,'What colour is it?','["green","green","green","green","green","green","green","green","green","green"]','green','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500044.jpg');
INSERT INTO "question" VALUES(1,'val',5000460,500046,'What does Bo call this colour and shape?','["tiv yub","tiv yub","tiv yub","tiv yub","tiv yub","tiv yub","tiv cross","tiv cross","yellow yub","yellow yub"]','tiv yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500046.jpg');
INSERT INTO "question" VALUES(1,'val',5000470,500047,'What does Bo call this colour and shape?','["tiv fep","tiv fep","tiv fep","tiv fep","tiv fep","tiv fep","tiv triangle","tiv triangle","yellow fep","yellow fep"]','tiv fep','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500047.jpg');
INSERT INTO "question" VALUES(1,'val',5000500,500050,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500050.jpg');
INSERT INTO "question" VALUES(1,'val',5000520,500052,'What does Ada call this shape?','["yub","yub","yub","yub","yub","yub","yub","yub","yub","yub"]','yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500052.jpg');
INSERT INTO "question" VALUES(1,'val',5000550,500055,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500055.jpg');
INSERT INTO "question" VALUES(1,'val',5000560,500056,'What colour is it?','["yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow"]','yellow','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500056.jpg');
INSERT INTO "question" VALUES(1,'val',5000580,500058,'What does Ada call this colour and shape?','["toma jeb","toma jeb","toma jeb","toma jeb","toma jeb","toma jeb","toma square","toma square","red jeb","red jeb"]','toma jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500058.jpg');
INSERT INTO "question" VALUES(1,'val',5000590,500059,'What does Ada call this colour and shape?','["kiki lorp","kiki lorp","kiki lorp","kiki lorp","kiki lorp","kiki lorp","kiki circle","kiki circle","yellow lorp","yellow lorp"]','kiki lorp','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500059.jpg');
INSERT INTO "question" VALUES(1,'val',5000640,500064,'What does Ada call this shape?','["jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb","jeb"]','jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500064.jpg');
INSERT INTO "question" VALUES(1,'val',5000700,500070,'Where is it?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500070.jpg');
INSERT INTO "question" VALUES(1,'val',5000710,500071,'What does Ada call this shape?','["lorp","lorp","lorp","lorp","lorp","lorp","lorp","lorp","lorp","lorp"]','lorp','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500071.jpg');
INSERT INTO "question" VALUES(1,'val',5000750,500075,'What does Ada see?','["ring","ring","ring","ring","ring","ring","ring","ring","ring","ring"]','ring','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500075.jpg');
INSERT INTO "question" VALUES(1,'val',5000760,500076,'What colour is it?','["green","green","green","green","green","green","green","green","green","green"]','green','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500076.jpg');
INSERT INTO "question" VALUES(1,'val',5000770,500077,'What does Ada call this colour and shape?','["dax yub","dax yub","dax yub","dax yub","dax yub","dax yub","dax triangle","dax triangle","green yub","green yub"]','dax yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500077.jpg');
INSERT INTO "question" VALUES(1,'val',5000810,500081,'What does Ada see?','["ring","ring","ring","ring","ring","ring","ring","ring","ring","ring"]','ring','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500081.jpg');
INSERT INTO "question" VALUES(1,'val',5000830,500083,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500083.jpg');
INSERT INTO "question" VALUES(1,'val',5000880,500088,'Where is it?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500088.jpg');
INSERT INTO "question" VALUES(1,'val',5000890,500089,'What does Bo call this colour?','["toma","toma","toma","toma","toma","toma","toma","toma","toma","toma"]','toma','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500089.jpg');
INSERT INTO "question" VALUES(1,'val',5000910,500091,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500091.jpg');
INSERT INTO "question" VALUES(1,'val',5000940,500094,'What colour is it?','["yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow"]','yellow','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500094.jpg');
INSERT INTO "question" VALUES(1,'val',5000970,500097,'What does Bo call this colour?','["pran","pran","pran","pran","pran","pran","pran","pran","pran","pran"]','pran','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500097.jpg');
INSERT INTO "question" VALUES(1,'val',5000990,500099,'What does Ada see?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500099.jpg');
INSERT INTO "question" VALUES(1,'val',5001010,500101,'What does Ada see?','["circle","circle","circle","circle","circle","circle","circle","circle","circle","circle"]','circle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500101.jpg');
INSERT INTO "question" VALUES(1,'val',5001040,500104,'What does Ada call this colour and shape?','["toma yub","toma yub","toma yub","toma yub","toma yub","toma yub","toma triangle","toma triangle","red yub","red yub"]','toma yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500104.jpg');
INSERT INTO "question" VALUES(1,'val',5001080,500108,'What does Ada call this shape?','["yub","yub","yub","yub","yub","yub","yub","yub","yub","yub"]','yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500108.jpg');
INSERT INTO "question" VALUES(1,'val',5001090,500109,'What does Bo call this colour?','["kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki"]','kiki','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500109.jpg');
INSERT INTO "question" VALUES(1,'val',5001100,500110,'What does Bo see?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500110.jpg');
INSERT INTO "question" VALUES(1,'val',5001110,500111,'Where is it?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500111.jpg');
INSERT INTO "question" VALUES(1,'val',5001120,500112,'What does Bo call this colour and shape?','["kiki clov","kiki clov","kiki clov","kiki clov","kiki clov","kiki clov","kiki circle","kiki circle","red clov","red clov"]','kiki clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500112.jpg');
INSERT INTO "question" VALUES(1,'val',5001150,500115,'What does Ada call this colour?','["kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki"]','kiki','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500115.jpg');
INSERT INTO "question" VALUES(1,'val',5001180,500118,'What does Bo call this colour and shape?','["kiki fep","kiki fep","kiki fep","kiki fep","kiki fep","kiki fep","kiki triangle","kiki triangle","red fep","red fep"]','kiki fep','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500118.jpg');
INSERT INTO "question" VALUES(1,'val',5001250,500125,'What does Ada call this colour and shape?','["toma wug","toma wug","toma wug","toma wug","toma wug","toma wug","toma cross","toma cross","red wug","red wug"]','toma wug','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500125.jpg');
INSERT INTO "question" VALUES(1,'val',5001270,500127,'What does Ada see?','["ring","ring","ring","ring","ring","ring","ring","ring","ring","ring"]','ring','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500127.jpg');
INSERT INTO "question" VALUES(1,'val',5001310,500131,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500131.jpg');
INSERT INTO "question" VALUES(1,'val',5001330,500133,'What colour is it?','["yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow"]','yellow','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500133.jpg');
INSERT INTO "question" VALUES(1,'val',5001360,500136,'What colour is it?','["yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow"]','yellow','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500136.jpg');
INSERT INTO "question" VALUES(1,'val',5001410,500141,'What does Ada call this colour?','["quax","quax","quax","quax","quax","quax","quax","quax","quax","quax"]','quax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500141.jpg');
INSERT INTO "question" VALUES(1,'val',5001490,500149,'What does Bo call this colour and shape?','["pran mork","pran mork","pran mork","pran mork","pran mork","pran mork","pran ring","pran ring","orange mork","orange mork"]','pran mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500149.jpg');
INSERT INTO "question" VALUES(1,'val',5001520,500152,'What shape is it?','["circle","circle","circle","circle","circle","circle","circle","circle","circle","circle"]','circle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500152.jpg');
INSERT INTO "question" VALUES(1,'val',5001550,500155,'What does Ada call this colour and shape?','["toma yub","toma yub","toma yub","toma yub","toma yub","toma yub","toma triangle","toma triangle","red yub","red yub"]','toma yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500155.jpg');
INSERT INTO "question" VALUES(1,'val',5001570,500157,'What shape is it?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500157.jpg');
INSERT INTO "question" VALUES(1,'val',5001600,500160,'What does Ada call this colour?','["kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki"]','kiki','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500160.jpg');
INSERT INTO "question" VALUES(1,'val',5001610,500161,'Where is it?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500161.jpg');
INSERT INTO "question" VALUES(1,'val',5001660,500166,'What does Ada call this colour and shape?','["toma jeb","toma jeb","toma jeb","toma jeb","toma jeb","toma jeb","toma square","toma square","red jeb","red jeb"]','toma jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500166.jpg');
INSERT INTO "question" VALUES(1,'val',5001700,500170,'What does Ada see?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500170.jpg');
INSERT INTO "question" VALUES(1,'val',5001870,500187,'What does Bo call this colour?','["gleb","gleb","gleb","gleb","gleb","gleb","gleb","gleb","gleb","gleb"]','gleb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500187.jpg');
INSERT INTO "question" VALUES(1,'val',5001880,500188,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500188.jpg');
INSERT INTO "question" VALUES(1,'val',5001910,500191,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500191.jpg');
INSERT INTO "question" VALUES(1,'val',5001920,500192,'What does Bo call this colour?','["blick","blick","blick","blick","blick","blick","blick","blick","blick","blick"]','blick','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500192.jpg');
INSERT INTO "question" VALUES(1,'val',5001930,500193,'What does Ada call this colour and shape?','["toma jeb","toma jeb","toma jeb","toma jeb","toma jeb","toma jeb","toma square","toma square","red jeb","red jeb"]','toma jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500193.jpg');
INSERT INTO "question" VALUES(1,'val',5001940,500194,'What does Ada call this colour and shape?','["tiv lorp","tiv lorp","tiv lorp","tiv lorp","tiv lorp","tiv lorp","tiv circle","tiv circle","orange lorp","orange lorp"]','tiv lorp','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500194.jpg');
INSERT INTO "question" VALUES(1,'val',5001970,500197,'What does Ada see?','["circle","circle","circle","circle","circle","circle","circle","circle","circle","circle"]','circle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500197.jpg');
INSERT INTO "question" VALUES(1,'val',5002030,500203,'What does Bo call this colour and shape?','["pran quax","pran quax","pran quax","pran quax","pran quax","pran quax","pran square","pran square","orange quax","orange quax"]','pran quax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500203.jpg');
INSERT INTO "question" VALUES(1,'val',5002060,500206,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500206.jpg');
INSERT INTO "question" VALUES(1,'val',5002080,500208,'What does Bo call this colour and shape?','["tiv yub","tiv yub","tiv yub","tiv yub","tiv yub","tiv yub","tiv cross","tiv cross","yellow yub","yellow yub"]','tiv yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500208.jpg');
INSERT INTO "question" VALUES(1,'val',5002110,500211,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500211.jpg');
INSERT INTO "question" VALUES(1,'val',5002120,500212,'What does Bo call this colour and shape?','["pran clov","pran clov","pran clov","pran clov","pran clov","pran clov","pran circle","pran circle","orange clov","orange clov"]','pran clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500212.jpg');
INSERT INTO "question" VALUES(1,'val',5002150,500215,'What does Ada call this colour and shape?','["tiv yub","tiv yub","tiv yub","tiv yub","tiv yub","tiv yub","tiv triangle","tiv triangle","orange yub","orange yub"]','tiv yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500215.jpg');
INSERT INTO "question" VALUES(1,'val',5002190,500219,'What shape is it?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500219.jpg');
INSERT INTO "question" VALUES(1,'val',5002200,500220,'What does Ada call this shape?','["vork","vork","vork","vork","vork","vork","vork","vork","vork","vork"]','vork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500220.jpg');
INSERT INTO "question" VALUES(1,'val',5002210,500221,'What does Bo call this colour?','["tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv"]','tiv','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500221.jpg');
INSERT INTO "question" VALUES(1,'val',5002220,500222,'Where is it?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500222.jpg');
INSERT INTO "question" VALUES(1,'val',5002240,500224,'What does Ada call this colour and shape?','["quax lorp","quax lorp","quax lorp","quax lorp","quax lorp","quax lorp","quax circle","quax circle","blue lorp","blue lorp"]','quax lorp','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500224.jpg');
INSERT INTO "question" VALUES(1,'val',5002270,500227,'What does Ada see?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500227.jpg');
INSERT INTO "question" VALUES(1,'val',5002290,500229,'What does Ada call this colour?','["plim","plim","plim","plim","plim","plim","plim","plim","plim","plim"]','plim','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500229.jpg');
INSERT INTO "question" VALUES(1,'val',5002320,500232,'What colour is it?','["green","green","green","green","green","green","green","green","green","green"]','green','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500232.jpg');
INSERT INTO "question" VALUES(1,'val',5002330,500233,'What does Bo call this colour and shape?','["gleb yub","gleb yub","gleb yub","gleb yub","gleb yub","gleb yub","gleb cross","gleb cross","blue yub","blue yub"]','gleb yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500233.jpg');
INSERT INTO "question" VALUES(1,'val',5002380,500238,'What does Ada call this colour and shape?','["toma jeb","toma jeb","toma jeb","toma jeb","toma jeb","toma jeb","toma square","toma square","red jeb","red jeb"]','toma jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500238.jpg');
INSERT INTO "question" VALUES(1,'val',5002400,500240,'What does Ada see?','["ring","ring","ring","ring","ring","ring","ring","ring","ring","ring"]','ring','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500240.jpg');
INSERT INTO "question" VALUES(1,'val',5002420,500242,'What does Ada call this colour and shape?','["quax vork","quax vork","quax vork","quax vork","quax vork","quax vork","quax ring","quax ring","blue vork","blue vork"]','quax vork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500242.jpg');
INSERT INTO "question" VALUES(1,'val',5002480,500248,'What does Ada call this colour and shape?','["toma vork","toma vork","toma vork","toma vork","toma vork","toma vork","toma ring","toma ring","red vork","red vork"]','toma vork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500248.jpg');
INSERT INTO "question" VALUES(1,'val',5002540,500254,'What does Bo call this colour and shape?','["gleb fep","gleb fep","gleb fep","gleb fep","gleb fep","gleb fep","gleb triangle","gleb triangle","blue fep","blue fep"]','gleb fep','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500254.jpg');
INSERT INTO "question" VALUES(1,'val',5002550,500255,'What colour is it?','["yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow","yellow"]','yellow','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500255.jpg');
INSERT INTO "question" VALUES(1,'val',5002560,500256,'What does Ada see?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500256.jpg');
INSERT INTO "question" VALUES(1,'val',5002570,500257,'What does Ada see?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500257.jpg');
INSERT INTO "question" VALUES(1,'val',5002580,500258,'What does Ada call this shape?','["wug","wug","wug","wug","wug","wug","wug","wug","wug","wug"]','wug','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500258.jpg');
INSERT INTO "question" VALUES(1,'val',5002590,500259,'What does Bo call this colour?','["gleb","gleb","gleb","gleb","gleb","gleb","gleb","gleb","gleb","gleb"]','gleb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500259.jpg');
INSERT INTO "question" VALUES(1,'val',5002610,500261,'Where is it?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500261.jpg');
INSERT INTO "question" VALUES(1,'val',5002620,500262,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500262.jpg');
INSERT INTO "question" VALUES(1,'val',5002630,500263,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500263.jpg');
INSERT INTO "question" VALUES(1,'val',5002640,500264,'What does Ada see?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500264.jpg');
INSERT INTO "question" VALUES(1,'val',5002700,500270,'What does Ada call this colour?','["plim","plim","plim","plim","plim","plim","plim","plim","plim","plim"]','plim','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500270.jpg');
INSERT INTO "question" VALUES(1,'val',5002770,500277,'What does Ada call this colour and shape?','["quax yub","quax yub","quax yub","quax yub","quax yub","quax yub","quax triangle","quax triangle","blue yub","blue yub"]','quax yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500277.jpg');
INSERT INTO "question" VALUES(1,'val',5002780,500278,'What does Ada call this shape?','["yub","yub","yub","yub","yub","yub","yub","yub","yub","yub"]','yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500278.jpg');
INSERT INTO "question" VALUES(1,'val',5002820,500282,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500282.jpg');
INSERT INTO "question" VALUES(1,'val',5002830,500283,'What does Ada call this shape?','["vork","vork","vork","vork","vork","vork","vork","vork","vork","vork"]','vork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500283.jpg');
INSERT INTO "question" VALUES(1,'val',5002850,500285,'What does Ada see?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500285.jpg');
INSERT INTO "question" VALUES(1,'val',5002890,500289,'What does Bo see?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500289.jpg');
INSERT INTO "question" VALUES(1,'val',5002970,500297,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500297.jpg');
INSERT INTO "question" VALUES(1,'val',5002980,500298,'What colour is it?','["green","green","green","green","green","green","green","green","green","green"]','green','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500298.jpg');
INSERT INTO "question" VALUES(1,'val',5003000,500300,'What does Bo call this colour and shape?','["gleb yub","gleb yub","gleb yub","gleb yub","gleb yub","gleb yub","gleb cross","gleb cross","blue yub","blue yub"]','gleb yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500300.jpg');
INSERT INTO "question" VALUES(1,'val',5003020,500302,'What does Ada call this colour and shape?','["tiv lorp","tiv lorp","tiv lorp","tiv lorp","tiv lorp","tiv lorp","tiv circle","tiv circle","orange lorp","orange lorp"]','tiv lorp','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500302.jpg');
INSERT INTO "question" VALUES(1,'val',5003060,500306,'What does Ada see?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500306.jpg');
INSERT INTO "question" VALUES(1,'val',5003130,500313,'What does Bo call this colour and shape?','["pran mork","pran mork","pran mork","pran mork","pran mork","pran mork","pran ring","pran ring","orange mork","orange mork"]','pran mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500313.jpg');
INSERT INTO "question" VALUES(1,'val',5003140,500314,'What does Ada call this colour and shape?','["toma wug","toma wug","toma wug","toma wug","toma wug","toma wug","toma cross","toma cross","red wug","red wug"]','toma wug','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500314.jpg');
INSERT INTO "question" VALUES(1,'val',5003160,500316,'What does Ada see?','["square","square","square","square","square","square","square","square","square","square"]','square','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500316.jpg');
INSERT INTO "question" VALUES(1,'val',5003190,500319,'What does Bo call this colour and shape?','["kiki mork","kiki mork","kiki mork","kiki mork","kiki mork","kiki mork","kiki ring","kiki ring","red mork","red mork"]','kiki mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500319.jpg');
INSERT INTO "question" VALUES(1,'val',5003270,500327,'What does Bo see?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500327.jpg');
INSERT INTO "question" VALUES(1,'val',5003280,500328,'What does Ada call this shape?','["wug","wug","wug","wug","wug","wug","wug","wug","wug","wug"]','wug','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500328.jpg');
INSERT INTO "question" VALUES(1,'val',5003350,500335,'What does Bo call this shape?','["fep","fep","fep","fep","fep","fep","fep","fep","fep","fep"]','fep','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500335.jpg');
INSERT INTO "question" VALUES(1,'val',5003370,500337,'What does Ada call this shape?','["yub","yub","yub","yub","yub","yub","yub","yub","yub","yub"]','yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500337.jpg');
INSERT INTO "question" VALUES(1,'val',5003490,500349,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500349.jpg');
INSERT INTO "question" VALUES(1,'val',5003500,500350,'What does Bo call this colour and shape?','["pran mork","pran mork","pran mork","pran mork","pran mork","pran mork","pran ring","pran ring","orange mork","orange mork"]','pran mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500350.jpg');
INSERT INTO "question" VALUES(1,'val',5003590,500359,'What does Bo call this shape?','["clov","clov","clov","clov","clov","clov","clov","clov","clov","clov"]','clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500359.jpg');
INSERT INTO "question" VALUES(1,'val',5003600,500360,'What does Bo call this colour and shape?','["pran mork","pran mork","pran mork","pran mork","pran mork","pran mork","pran ring","pran ring","orange mork","orange mork"]','pran mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500360.jpg');
INSERT INTO "question" VALUES(1,'val',5003690,500369,'What does Bo call this colour?','["kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki","kiki"]','kiki','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500369.jpg');
INSERT INTO "question" VALUES(1,'val',5003720,500372,'What does Bo call this colour?','["toma","toma","toma","toma","toma","toma","toma","toma","toma","toma"]','toma','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500372.jpg');
INSERT INTO "question" VALUES(1,'val',5003730,500373,'What does Ada call this colour?','["plim","plim","plim","plim","plim","plim","plim","plim","plim","plim"]','plim','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500373.jpg');
INSERT INTO "question" VALUES(1,'val',5003740,500374,'What does Ada call this colour and shape?','["tiv vork","tiv vork","tiv vork","tiv vork","tiv vork","tiv vork","tiv ring","tiv ring","orange vork","orange vork"]','tiv vork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500374.jpg');
INSERT INTO "question" VALUES(1,'val',5003870,500387,'What does Ada call this shape?','["vork","vork","vork","vork","vork","vork","vork","vork","vork","vork"]','vork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500387.jpg');
INSERT INTO "question" VALUES(1,'val',5003880,500388,'Where is it?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500388.jpg');
INSERT INTO "question" VALUES(1,'val',5003930,500393,'What does Ada call this colour and shape?','["toma jeb","toma jeb","toma jeb","toma jeb","toma jeb","toma jeb","toma square","toma square","red jeb","red jeb"]','toma jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500393.jpg');
INSERT INTO "question" VALUES(1,'val',5003950,500395,'What shape is it?','["ring","ring","ring","ring","ring","ring","ring","ring","ring","ring"]','ring','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500395.jpg');
INSERT INTO "question" VALUES(1,'val',5003960,500396,'What does Bo call this colour and shape?','["gleb mork","gleb mork","gleb mork","gleb mork","gleb mork","gleb mork","gleb ring","gleb ring","blue mork","blue mork"]','gleb mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500396.jpg');
INSERT INTO "question" VALUES(1,'val',5004000,500400,'What does Ada call this colour and shape?','["quax yub","quax yub","quax yub","quax yub","quax yub","quax yub","quax triangle","quax triangle","blue yub","blue yub"]','quax yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500400.jpg');
INSERT INTO "question" VALUES(1,'val',5004040,500404,'What does Ada call this colour?','["tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv"]','tiv','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500404.jpg');
INSERT INTO "question" VALUES(1,'val',5004050,500405,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500405.jpg');
INSERT INTO "question" VALUES(1,'val',5004060,500406,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500406.jpg');
INSERT INTO "question" VALUES(1,'val',5004100,500410,'What colour is it?','["green","green","green","green","green","green","green","green","green","green"]','green','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500410.jpg');
INSERT INTO "question" VALUES(1,'val',5004120,500412,'What does Bo see?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500412.jpg');
INSERT INTO "question" VALUES(1,'val',5004130,500413,'What does Ada call this colour?','["dax","dax","dax","dax","dax","dax","dax","dax","dax","dax"]','dax','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500413.jpg');
INSERT INTO "question" VALUES(1,'val',5004140,500414,'What does Ada call this colour and shape?','["kiki jeb","kiki jeb","kiki jeb","kiki jeb","kiki jeb","kiki jeb","kiki square","kiki square","yellow jeb","yellow jeb"]','kiki jeb','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500414.jpg');
INSERT INTO "question" VALUES(1,'val',5004150,500415,'What does Bo call this colour and shape?','["toma yub","toma yub","toma yub","toma yub","toma yub","toma yub","toma cross","toma cross","green yub","green yub"]','toma yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500415.jpg');
INSERT INTO "question" VALUES(1,'val',5004200,500420,'What does Ada call this shape?','["yub","yub","yub","yub","yub","yub","yub","yub","yub","yub"]','yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500420.jpg');
INSERT INTO "question" VALUES(1,'val',5004290,500429,'What does Bo call this colour?','["tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv","tiv"]','tiv','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500429.jpg');
INSERT INTO "question" VALUES(1,'val',5004310,500431,'What does Bo call this colour and shape?','["toma mork","toma mork","toma mork","toma mork","toma mork","toma mork","toma ring","toma ring","green mork","green mork"]','toma mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500431.jpg');
INSERT INTO "question" VALUES(1,'val',5004330,500433,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500433.jpg');
INSERT INTO "question" VALUES(1,'val',5004350,500435,'What does Ada call this colour and shape?','["plim wug","plim wug","plim wug","plim wug","plim wug","plim wug","plim cross","plim cross","purple wug","purple wug"]','plim wug','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500435.jpg');
INSERT INTO "question" VALUES(1,'val',5004420,500442,'What does Ada call this colour and shape?','["tiv yub","tiv yub","tiv yub","tiv yub","tiv yub","tiv yub","tiv triangle","tiv triangle","orange yub","orange yub"]','tiv yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500442.jpg');
INSERT INTO "question" VALUES(1,'val',5004490,500449,'Where is it?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500449.jpg');
INSERT INTO "question" VALUES(1,'val',5004500,500450,'What does Ada call this shape?','["yub","yub","yub","yub","yub","yub","yub","yub","yub","yub"]','yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500450.jpg');
INSERT INTO "question" VALUES(1,'val',5004510,500451,'What does Ada call this shape?','["lorp","lorp","lorp","lorp","lorp","lorp","lorp","lorp","lorp","lorp"]','lorp','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500451.jpg');
INSERT INTO "question" VALUES(1,'val',5004550,500455,'Where is it?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500455.jpg');
INSERT INTO "question" VALUES(1,'val',5004590,500459,'What does Bo call this colour and shape?','["gleb clov","gleb clov","gleb clov","gleb clov","gleb clov","gleb clov","gleb circle","gleb circle","blue clov","blue clov"]','gleb clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500459.jpg');
INSERT INTO "question" VALUES(1,'val',5004610,500461,'What does Bo call this colour and shape?','["blick yub","blick yub","blick yub","blick yub","blick yub","blick yub","blick cross","blick cross","purple yub","purple yub"]','blick yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500461.jpg');
INSERT INTO "question" VALUES(1,'val',5004620,500462,'What does Ada call this shape?','["vork","vork","vork","vork","vork","vork","vork","vork","vork","vork"]','vork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500462.jpg');
INSERT INTO "question" VALUES(1,'val',5004640,500464,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500464.jpg');
INSERT INTO "question" VALUES(1,'val',5004650,500465,'Where is it?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500465.jpg');
INSERT INTO "question" VALUES(1,'val',5004670,500467,'What does Bo call this colour and shape?','["tiv fep","tiv fep","tiv fep","tiv fep","tiv fep","tiv fep","tiv triangle","tiv triangle","yellow fep","yellow fep"]','tiv fep','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500467.jpg');
INSERT INTO "question" VALUES(1,'val',5004710,500471,'What does Bo call this colour and shape?','["blick clov","blick clov","blick clov","blick clov","blick clov","blick clov","blick circle","blick circle","purple clov","purple clov"]','blick clov','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500471.jpg');
INSERT INTO "question" VALUES(1,'val',5004720,500472,'What shape is it?','["circle","circle","circle","circle","circle","circle","circle","circle","circle","circle"]','circle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500472.jpg');
INSERT INTO "question" VALUES(1,'val',5004730,500473,'Where is it?','["top","top","top","top","top","top","top","top","top","top"]','top','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500473.jpg');
INSERT INTO "question" VALUES(1,'val',5004740,500474,'What does Ada see?','["triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle","triangle"]','triangle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500474.jpg');
INSERT INTO "question" VALUES(1,'val',5004810,500481,'Where is it?','["bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom","bottom"]','bottom','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500481.jpg');
INSERT INTO "question" VALUES(1,'val',5004820,500482,'What does Ada call this colour and shape?','["kiki yub","kiki yub","kiki yub","kiki yub","kiki yub","kiki yub","kiki triangle","kiki triangle","yellow yub","yellow yub"]','kiki yub','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500482.jpg');
INSERT INTO "question" VALUES(1,'val',5004870,500487,'What does Ada see?','["circle","circle","circle","circle","circle","circle","circle","circle","circle","circle"]','circle','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500487.jpg');
INSERT INTO "question" VALUES(1,'val',5004880,500488,'What does Bo call this shape?','["mork","mork","mork","mork","mork","mork","mork","mork","mork","mork"]','mork','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500488.jpg');
INSERT INTO "question" VALUES(1,'val',5004900,500490,'What does Ada call this shape?','["lorp","lorp","lorp","lorp","lorp","lorp","lorp","lorp","lorp","lorp"]','lorp','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500490.jpg');
INSERT INTO "question" VALUES(1,'val',5004970,500497,'What does Ada see?','["cross","cross","cross","cross","cross","cross","cross","cross","cross","cross"]','cross','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500497.jpg');
INSERT INTO "question" VALUES(1,'val',5004980,500498,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500498.jpg');
INSERT INTO "question" VALUES(1,'val',5004990,500499,'What does Bo see?','["right","right","right","right","right","right","right","right","right","right"]','right','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500499.jpg');
INSERT INTO "question" VALUES(1,'val',5005000,500500,'What does Bo see?','["left","left","left","left","left","left","left","left","left","left"]','left','{HOME}/cache/builtin-world-d1fefbe628f5/mscoco2014/val2014/COCO_val2014_000000500500.jpg');
CREATE TABLE run (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    parent_id INTEGER,
    spec TEXT NOT NULL,
    spec_sha VARCHAR NOT NULL,
    environment TEXT NOT NULL,
    forced BOOLEAN NOT NULL,
    dataset VARCHAR NOT NULL,
    vlm VARCHAR NOT NULL,
    retriever VARCHAR NOT NULL,
    selector VARCHAR NOT NULL,
    variant VARCHAR NOT NULL,
    seed INTEGER,
    split VARCHAR NOT NULL,
    dataset_id INTEGER,
    progress_done INTEGER NOT NULL,
    progress_total INTEGER NOT NULL,
    progress_unit VARCHAR NOT NULL,
    progress_note TEXT NOT NULL,
    progress_at INTEGER,
    progress_from INTEGER NOT NULL,
    progress_since INTEGER,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    deleted_at INTEGER,
    CONSTRAINT run_refers_parent_id FOREIGN KEY(parent_id) REFERENCES run (id) ON DELETE SET NULL,
    CONSTRAINT run_refers_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE SET NULL
);
INSERT INTO "run" VALUES(1,'done','eval','done',NULL,'{"batch_size":8,"concurrency":8,"dataset":"builtin","decode":{"do_sample":false,"length_penalty":0.0,"max_new_tokens":5,"min_new_tokens":0,"num_beams":3,"repetition_penalty":1.0,"temperature":1.0,"top_k":0,"top_p":1.0},"device":"auto","dtype":"auto","encoder":"vlm","exclude_same_image":false,"first":[],"kind":"eval","limit":12,"most_similar_last":true,"pool":"all","pool_size":64,"prompt":{"demonstration":"Question:{question} Short answer:{answer}","max_pixels":12845056,"min_pixels":3136,"query":"Question:{question} Short answer:","system":"Answer the last question about its image. Use the images, the examples before it and what you know. Reply as briefly as the examples do, in at most three words."},"retriever":null,"seed":42,"selector":"","served_model":"","shots":[0,2],"split":"val","strict":false,"vlm":"builtin"}','ca18a05f09b343c260b7c74eabd544240d19eacb35dbfc25b63d31e149c253c6','{"cpu":"cpu","cpus":2,"folder":"{HOME}","git_commit":null,"git_dirty":null,"gpus":[],"host":"host","platform":"Linux","python":"3.11","versions":{"leverplus":"0.2.0"}}',0,'builtin','builtin','selector','{ENGINE}/demo/trained/selector.safetensors','v4_2',42,'val',1,24,24,'answers','',1795911219551963,0,1795911219465039,1795911212096986,1795911212799183,1795911219563934,NULL);
INSERT INTO "run" VALUES(2,'trained','rce','done',NULL,'{"adaptive_kl":true,"advantage_clip":5.0,"attn_dropout":0.1,"clip_epsilon":0.2,"compile":false,"cuda_graph":true,"device":"auto","dropout":0.1,"early_epochs":0,"early_top_k":null,"embeddings":"builtin","filter_gen_methods":[],"freeze_backbone":false,"gradient_clip":1.0,"grpo_dropout":false,"grpo_epochs":0,"grpo_lr":1e-05,"grpo_reward":"raw","hard_weight":1.0,"hidden_dim":16,"init":"","kind":"rce","kl_beta":0.1,"label_smoothing":0.0,"late_top_k":null,"normalize":"z_score_clamp","normalize_clamp":3.0,"num_heads":1,"num_layers":1,"parts":null,"patience":0,"pool":"auto","precision":"float32","queries_per_step":32,"query_embeddings":"","rce_epochs":1,"rce_lr":0.0001,"rce_reward":"raw","rce_top1_only":false,"reference":"after_rce","rel_weight":0.1,"require_positive_query":false,"reward_alpha":0.0,"reward_beta":0.0,"reward_correctness_mode":"01","reward_mode":"hard_plus_soft","rl_data":"builtin","schedule":"constant","seed":42,"shuffle":true,"skip_fallback_reward":true,"skip_no_signal":true,"soft_weight":1.0,"split_by":"id","temperature_end":0.5,"temperature_start":2.0,"train_ratio":0.8,"use_kl":true,"use_logprob":false,"variant":"v3","warmup_ratio":0.0,"weight_decay":0.01}','108a9594041c14b456462f1515b6d24822bc7ed5f845f40d1b7f6aebeeaa193c','{"cpu":"cpu","cpus":2,"folder":"{HOME}","git_commit":null,"git_dirty":null,"gpus":[],"host":"host","platform":"Linux","python":"3.11","versions":{"leverplus":"0.2.0"}}',0,'builtin','','','','v3',42,'',NULL,25,25,'steps','rce epoch 1 of 1',1795911223908990,25,1795911223908990,1795911221003973,1795911221552067,1795911223918293,NULL);
INSERT INTO "run" VALUES(3,'generated','generate','done',NULL,'{"adaptive":true,"batch_size":8,"beams":5,"concurrency":8,"dataset":"builtin","decode":{"do_sample":false,"length_penalty":0.0,"max_new_tokens":5,"min_new_tokens":0,"num_beams":3,"repetition_penalty":1.0,"temperature":1.0,"top_k":0,"top_p":1.0},"device":"auto","dtype":"auto","encoder":"vlm","exclude_same_image":false,"kind":"generate","max_candidates":6,"min_candidates":6,"pool":"rand-sampler","pool_size":64,"prompt":{"demonstration":"Question:{question} Short answer:{answer}","max_pixels":12845056,"min_pixels":3136,"query":"Question:{question} Short answer:","system":"Answer the last question about its image. Use the images, the examples before it and what you know. Reply as briefly as the examples do, in at most three words."},"queries":3,"random":1,"retrieved":5,"samples_per_temperature":2,"seed":42,"selector":"","served_model":"","shots":2,"strict":false,"temperatures":[1.0,1.3],"vlm":"builtin"}','b863b1c2ded0fad4c38d06c7670286e0be556ead2c856883f98418600b30f872','{"cpu":"cpu","cpus":2,"folder":"{HOME}","git_commit":null,"git_dirty":null,"gpus":[],"host":"host","platform":"Linux","python":"3.11","versions":{"leverplus":"0.2.0"}}',0,'builtin','builtin','','','',42,'train',1,3,3,'queries','signal 100% of 3, 18 answers',1795911229325754,0,1795911229255071,1795911224981827,1795911225615425,1795911229331263,NULL);
INSERT INTO "run" VALUES(4,'served','eval','done',NULL,'{"batch_size":8,"concurrency":8,"dataset":"builtin","decode":{"do_sample":false,"length_penalty":0.0,"max_new_tokens":5,"min_new_tokens":0,"num_beams":1,"repetition_penalty":1.0,"temperature":1.0,"top_k":0,"top_p":1.0},"device":"auto","dtype":"auto","encoder":"vlm","exclude_same_image":false,"first":[],"kind":"eval","limit":6,"most_similar_last":true,"pool":"all","pool_size":64,"prompt":{"demonstration":"Question:{question} Short answer:{answer}","max_pixels":12845056,"min_pixels":3136,"query":"Question:{question} Short answer:","system":"Answer the last question about its image. Use the images, the examples before it and what you know. Reply as briefly as the examples do, in at most three words."},"retriever":"zero-shot","seed":42,"selector":"","served_model":"","shots":[0],"split":"val","strict":false,"vlm":"{SERVER}"}','beec61091585a83075a40fbadf6719ed4042bb07a81fd2d60560d0ba9f950ce9','{"cpu":"cpu","cpus":2,"folder":"{HOME}","git_commit":null,"git_dirty":null,"gpus":[],"host":"host","platform":"Linux","python":"3.11","versions":{"leverplus":"0.2.0"}}',0,'builtin','{SERVER}','zero-shot','','',42,'val',1,6,6,'answers','',1795911232778107,1,1795911232771129,1795911230341499,1795911231185370,1795911232787980,NULL);
INSERT INTO "run" VALUES(5,'stopped','eval','stopped',NULL,'{"batch_size":1,"concurrency":8,"dataset":"builtin","decode":{"do_sample":false,"length_penalty":0.0,"max_new_tokens":5,"min_new_tokens":0,"num_beams":3,"repetition_penalty":1.0,"temperature":1.0,"top_k":0,"top_p":1.0},"device":"auto","dtype":"auto","encoder":"vlm","exclude_same_image":false,"first":[],"kind":"eval","limit":150,"most_similar_last":true,"pool":"all","pool_size":64,"prompt":{"demonstration":"Question:{question} Short answer:{answer}","max_pixels":12845056,"min_pixels":3136,"query":"Question:{question} Short answer:","system":"Answer the last question about its image. Use the images, the examples before it and what you know. Reply as briefly as the examples do, in at most three words."},"retriever":"random","seed":7,"selector":"","served_model":"","shots":[2],"split":"val","strict":false,"vlm":"builtin"}','c1ff307955ae2155c9d0276d5fd0e67f14867055eb54f81d50ec35d4d2635018','{"cpu":"cpu","cpus":2,"folder":"{HOME}","git_commit":null,"git_dirty":null,"gpus":[],"host":"host","platform":"Linux","python":"3.11","versions":{"leverplus":"0.2.0"}}',0,'builtin','builtin','random','','',7,'val',1,61,150,'answers','',1795911239180363,1,1795911238127246,1795911233715610,1795911234198949,1795911239316277,NULL);
INSERT INTO "run" VALUES(6,'served-stopped','eval','stopped',NULL,'{"batch_size":8,"concurrency":1,"dataset":"builtin","decode":{"do_sample":false,"length_penalty":0.0,"max_new_tokens":5,"min_new_tokens":0,"num_beams":1,"repetition_penalty":1.0,"temperature":1.0,"top_k":0,"top_p":1.0},"device":"auto","dtype":"auto","encoder":"vlm","exclude_same_image":false,"first":[],"kind":"eval","limit":9,"most_similar_last":true,"pool":"all","pool_size":64,"prompt":{"demonstration":"Question:{question} Short answer:{answer}","max_pixels":12845056,"min_pixels":3136,"query":"Question:{question} Short answer:","system":"Answer the last question about its image. Use the images, the examples before it and what you know. Reply as briefly as the examples do, in at most three words."},"retriever":"zero-shot","seed":3,"selector":"","served_model":"","shots":[0],"split":"val","strict":false,"vlm":"{SERVER}"}','84950ee3bb56c761a690a9e009e3e9cf454644ed397c10eb48134b96bddf0e6a','{"cpu":"cpu","cpus":2,"folder":"{HOME}","git_commit":null,"git_dirty":null,"gpus":[],"host":"host","platform":"Linux","python":"3.11","versions":{"leverplus":"0.2.0"}}',0,'builtin','{SERVER}','zero-shot','','',3,'val',1,4,9,'answers','',1795911244812270,1,1795911244788508,1795911241076533,1795911241854014,1795911255804401,NULL);
CREATE TABLE run_subset (
    run_id INTEGER NOT NULL,
    sha VARCHAR NOT NULL,
    subset_id INTEGER NOT NULL,
    CONSTRAINT run_subset_key PRIMARY KEY (run_id, sha),
    CONSTRAINT run_subset_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE,
    CONSTRAINT run_subset_refers_subset_id FOREIGN KEY(subset_id) REFERENCES subset (id) ON DELETE CASCADE
) WITHOUT ROWID;
INSERT INTO "run_subset" VALUES(1,'6baa42d114a9c1e00d9c6dbe7baa70f3a719ec70d6b7de1d7e782c347d7b2af0',1);
INSERT INTO "run_subset" VALUES(3,'0e1f08d8c67ca88fc579cf3410bda55ed4efb259ea55e639e3cbca10bbfc02a8',2);
INSERT INTO "run_subset" VALUES(4,'a6c6f6efdf187619ce0640ca54f8b0ab4ffd42c1256a24f44208245d34f38a4f',3);
INSERT INTO "run_subset" VALUES(5,'ec21be4957bc879250e17d3a352762183d06561aa53ae4a440c059dcb6ddd228',4);
INSERT INTO "run_subset" VALUES(6,'b571ef2a4adab844f824abc1abf14448774bd2976bc052e1d10e5dc1af4c9d54',5);
CREATE TABLE subset (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    dataset_id INTEGER NOT NULL,
    split VARCHAR NOT NULL,
    sha VARCHAR NOT NULL,
    label VARCHAR NOT NULL,
    rule TEXT NOT NULL,
    n INTEGER NOT NULL,
    question_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT subset_unique_dataset_id_split_sha_label UNIQUE (dataset_id, split, sha, label),
    CONSTRAINT subset_refers_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE
);
INSERT INTO "subset" VALUES(1,1,'val','6baa42d114a9c1e00d9c6dbe7baa70f3a719ec70d6b7de1d7e782c347d7b2af0','random 12 (seed 42)','{"n":12,"rule":"random","seed":42,"stratified":true}',12,'[5000410,5000460,5000470,5001080,5001330,5001600,5002330,5003270,5004290,5004730,5004740,5004870]',1795911215476412);
INSERT INTO "subset" VALUES(2,1,'train','0e1f08d8c67ca88fc579cf3410bda55ed4efb259ea55e639e3cbca10bbfc02a8','random 3 (seed 42)','{"n":3,"rule":"random","seed":42,"stratified":true}',3,'[1006090,1009340,1009790]',1795911226897129);
INSERT INTO "subset" VALUES(3,1,'val','a6c6f6efdf187619ce0640ca54f8b0ab4ffd42c1256a24f44208245d34f38a4f','random 6 (seed 42)','{"n":6,"rule":"random","seed":42,"stratified":true}',6,'[5000410,5000470,5001330,5003270,5004290,5004740]',1795911232771129);
INSERT INTO "subset" VALUES(4,1,'val','ec21be4957bc879250e17d3a352762183d06561aa53ae4a440c059dcb6ddd228','random 150 (seed 7)','{"n":150,"rule":"random","seed":7,"stratified":true}',150,'[5000010,5000030,5000060,5000100,5000130,5000150,5000200,5000240,5000400,5000420,5000440,5000500,5000520,5000550,5000560,5000580,5000590,5000640,5000700,5000710,5000750,5000770,5000810,5000830,5000880,5000890,5000910,5000940,5000970,5000990,5001010,5001040,5001080,5001090,5001100,5001110,5001120,5001150,5001180,5001270,5001310,5001360,5001410,5001490,5001520,5001550,5001570,5001610,5001660,5001700,5001870,5001880,5001910,5001920,5001930,5001940,5001970,5002030,5002060,5002080,5002110,5002120,5002150,5002190,5002200,5002240,5002270,5002290,5002320,5002380,5002400,5002420,5002480,5002540,5002550,5002560,5002570,5002580,5002590,5002610,5002620,5002630,5002640,5002700,5002770,5002780,5002820,5002830,5002850,5002890,5002970,5002980,5003000,5003020,5003060,5003130,5003140,5003160,5003190,5003270,5003280,5003350,5003370,5003490,5003500,5003590,5003600,5003690,5003720,5003730,5003740,5003870,5003880,5003930,5003950,5003960,5004000,5004040,5004050,5004060,5004100,5004120,5004130,5004140,5004150,5004200,5004290,5004310,5004330,5004350,5004420,5004490,5004500,5004510,5004550,5004590,5004610,5004620,5004640,5004650,5004670,5004710,5004720,5004810,5004820,5004900,5004970,5004980,5004990,5005000]',1795911235830864);
INSERT INTO "subset" VALUES(5,1,'val','b571ef2a4adab844f824abc1abf14448774bd2976bc052e1d10e5dc1af4c9d54','random 9 (seed 3)','{"n":9,"rule":"random","seed":3,"stratified":true}',9,'[5000290,5000760,5001250,5001270,5002210,5002220,5002850,5003740,5004880]',1795911244720339);
CREATE TABLE tag (
    run_id INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    CONSTRAINT tag_key PRIMARY KEY (run_id, name),
    CONSTRAINT tag_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX data_file_by_path ON data_file (path);
CREATE INDEX data_file_by_sha256 ON data_file (sha256);
CREATE INDEX run_by_deleted_at_created_at ON run (deleted_at, created_at);
CREATE INDEX run_by_name ON run (name);
CREATE INDEX run_by_parent_id ON run (parent_id);
CREATE INDEX run_by_spec_sha ON run (spec_sha);
CREATE INDEX run_by_state ON run (state);
CREATE INDEX artifact_by_sha256 ON artifact (sha256);
CREATE INDEX cell_by_run_id_shot_n_accuracy ON cell (run_id, shot, n, accuracy);
CREATE INDEX checkpoint_by_sha256 ON checkpoint (sha256);
CREATE INDEX process_by_run_id ON process (run_id);
CREATE INDEX tag_by_name ON tag (name);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('run',6);
INSERT INTO "sqlite_sequence" VALUES('process',6);
INSERT INTO "sqlite_sequence" VALUES('dataset',1);
INSERT INTO "sqlite_sequence" VALUES('subset',5);
INSERT INTO "sqlite_sequence" VALUES('metric_last',18);
INSERT INTO "sqlite_sequence" VALUES('checkpoint',2);
INSERT INTO "sqlite_sequence" VALUES('finding',1);
INSERT INTO "sqlite_sequence" VALUES('artifact',1);
COMMIT;
