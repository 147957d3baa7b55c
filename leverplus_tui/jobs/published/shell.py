"""Variables of the published shell scripts; most of them build the paths that the Python scripts are given."""

from __future__ import annotations

from leverplus_tui.jobs.published.names import HARDWARE, RUN, Name

PATHS = "part of a path that the script builds; name the file itself"
SHELL = (
    Name("task", why="visual question answering is the task", default="vqa"),
    Name("dataset", "dataset", "okvqa_local"),
    Name("dataset_name", why=PATHS, default="okvqa"),
    Name("gpu_id", "device", "0", values={str(n): f"cuda:{n}" for n in range(8)}),
    Name("gpu", "device", "0", values={str(n): f"cuda:{n}" for n in range(8)}),
    Name("gpu_ids", why=HARDWARE, default="[0]"),
    Name("gpu_ids_hydra", why=HARDWARE, default="[0]"),
    Name("device", "device", "0"),
    Name("lever_lm", why="the file given as --selector or --variant decides it", default="query_img_text_icd_img_text"),
    Name("sampler", "pool", "rand_sampler", values={"rand_sampler": "rand-sampler", "text_sim_sampler": "text-sampler",
         "img_sim_sampler": "image-sampler", "mix_sampler": "mix-sampler"}),
    Name("sampler_name", why=PATHS, default="RandSampler"),
    Name("beam_model", why=PATHS, default="qwen2.5_vl_3B"),
    Name("model_name", why=PATHS, default="flamingo_3B"),
    Name("infer_model", "vlm", "flamingo_3B", values={"qwen2.5_vl_3B": "Qwen/Qwen2.5-VL-3B-Instruct"}),
    Name("vqa_model", "vlm", "qwen2.5_vl_3B", values={"qwen2.5_vl_3B": "Qwen/Qwen2.5-VL-3B-Instruct"}),
    Name("sample_num", "queries", "800"),
    Name("few_shot_num", "shots", "2"),
    Name("test_data_num", "first", "100", "the first questions by id; --limit draws a fair sample"),
    Name("inference_bs", why="the engine packs what fits", default="1"),
    Name("reward_suffix", why=RUN),
    Name("need_regenerate", why="`run generate` makes data, a training never does", default="false"),
    Name("version", why="--variant for a training; a checkpoint's own for an evaluation", default="v3"),
    Name("lever_lm_checkpoint_version", why="a checkpoint's own tensors and manifest decide it", default="v3"),
    Name("best_checkpoint", "selector"),
    Name("user_set_checkpoint", "selector"),
    Name("sft_ckpt", "init", why="of a training; of a generation --selector"),
    Name("beam_data", "rl_data"),
    Name("output_path", why=RUN),
    Name("output_dir", why=RUN, default="results/grpo"),
    Name("query_emb", why="`run generate` embeds by itself"),
    Name("cand_emb", why="`run generate` embeds by itself"),
    Name("img_emb", "embeddings"),
    Name("text_emb", why="read by nobody"),
    Name("rce_epochs", "rce_epochs", "1"),
    Name("grpo_epochs", "grpo_epochs", "3"),
    Name("batch_size", why="RL data force it to 1", default="32"),
    Name("rce_lr", "rce_lr", "1e-4"),
    Name("grpo_lr", "grpo_lr", "1e-5"),
)  # fmt: skip
