"""The words by which tables are read, in English and Chinese: what a column holds, and what a text names."""

from __future__ import annotations

import re


def _words(english: str, other: str = "", after: str = r"(?![a-z])") -> re.Pattern[str]:
    """One of these words: the English ones not inside a longer word, others wherever they stand."""
    parts = [f"(?<![a-z])(?:{english}){after}", *([other] if other else [])]
    return re.compile("|".join(parts), re.IGNORECASE)


DATASET = re.compile(r"(?<![a-z-])(ok[-_ ]?vqa|vqa[-_ ]?v2|vqav2)(?![a-z])", re.IGNORECASE)
OTHER_DATASET = re.compile(
    r"\b(a-?okvqa|text-?vqa|gqa|vizwiz|ocr-?vqa|st-?vqa|scienceqa|hateful[ _-]memes)\b", re.IGNORECASE
)
VLM = re.compile(
    r"(?<![a-z])((?:qwen[\w.]*-?vl|open[ -]?flamingo|flamingo|idefics|llava|internvl|instructblip|blip|minicpm-?v|mmicl"
    r"|otter|paligemma|smolvlm|molmo|gpt-?4|gemini|emu|kosmos)[\w.\-]*)",
    re.IGNORECASE,
)
SAMPLER = re.compile(r"\b(\w*(?:Sampler|Retriever))\b")
ACCURACY = _words(
    r"(?:vqa[ -]?)?(?:acc(?:uracy|uracies|\.)?|scores?|exact[ _]match|results?|value|performance)",
    "准确率|正确率|精度|得分|推理结果|结果|数值",
)
DIFFERENCE = re.compile(
    r"(?:平均)?(?:差异|差距|差值|提升|下降|变化|增益)(?:幅度|值)?|Δ|.*(?:→|Δ|(?<![a-z])(?:vs\.?|versus)(?![a-z])).*"
    r"|(?:mean |avg\.? )?(?:diff(?:erence)?|delta|gain|improvement|change)",
    re.IGNORECASE,
)
"""A whole header."""
AVERAGE = _words(r"avg|average|mean|overall|moyenne|mittel\w*|durchschnitt", "平均|均值")
AVERAGE_ROW = re.compile(rf"(?:{AVERAGE.pattern})(?:准确率|正确率|值| accuracy)?", re.IGNORECASE)
"""The whole name of a row."""
NO_ACCURACY = _words(
    r"loss|lr|learning rate|time|temp(?:erature)?|kl|std|stdev|params?|ratio|share|rate|proportion|count|number|rank"
    r"|steps?|reward|ci|stderr|error|memory|speed|cost|epochs?|seconds?|hours?|cider|bleu|rouge|meteor|spice|positives?",
    "学习率|耗时|时间|标准差|参数量|比例|占比|数量|个数|样本数|次数|排名|显存|速度|置信|损失|步数|轮数|轮次|^[ptz]$",
    after=r"(?![a-z_]|[ _-]?\d|\s*=)",
)
"""What is measured is none. `Epoch 2` and `KL_BETA=0.1` are names of what was evaluated, and may be accuracies."""
SHOT_COLUMN = re.compile(
    r"(?:#|n|num(?:ber)?|no\.?)?[ _-]*(?:of[ _])?(?:few[ -])?shots?[ _-]*(?:num(?:ber)?|count|数|数量|n)?"
    r"|(?:#|n|num(?:ber)?)?[ _-]*(?:of[ _])?(?:in-?context[ _])?(?:demonstrations?|demos?|exemplars?|icds?|ices?)"
    r"|(?:示例|范例|样例|演示)(?:数|数量|个数)?",
    re.IGNORECASE,
)
"""A whole header."""
METHOD_COLUMN = _words(
    "methods?|models?|runs?|variants?|systems?|approach(?:es)?|names?|selectors?", "方法|方案|模型|版本|名称"
)
SIZE_COLUMN = re.compile(
    r"(?:测试)?(?:数据|样本|问题|题目?|条)(?:量|数|数量|数目|规模)|测试(?:数据|数量|规模|集大小)|数据规模|n|test_data_num"
    r"|(?:#|n|num(?:ber)?(?: of)?)?[ _]*(?:test|eval|evaluation)?[ _]*(?:samples?|questions?|size|data)[ _]*"
    r"(?:num(?:ber)?|size|count)?",
    re.IGNORECASE,
)
"""A whole header."""
SHOT = re.compile(
    r"(?<![a-z])(?:n_?|num_?)?shots?(?:[ _]?num)?[ _=:]{0,3}(\d{1,3})(?!\d|\.\d|%)"
    r"|(?<![a-z\d._-])(\d{1,3})[ -]?shots?(?![a-z]|[ _=:]{0,3}\d)|(?<![a-z])(zero|one|two|four)[ -]?shot",
    re.IGNORECASE,
)
SIZE = re.compile(
    r"(?<![a-z])(?:n|test_data_num|first)\s*=?\s*(\d[\d,]{0,14})(?![\d.,%])"
    r"|(?<![\d.])(?<!\d,)(\d[\d,]{0,14})"
    r"\s*(?:条|道?题|个?(?:测试)?样本|(?:test |val(?:idation)? )?(?:samples?|questions?)(?![a-z]))",
    re.IGNORECASE,
)
FULL_CELL = _words("full|all", "全量|全部|完整")
"""In a column of sizes."""
FULL_TEXT = _words(r"full[ -](?:val|validation|test)\w*", "全量|完整(?:测试集|验证集)|全部(?:数据|样本|测试集|验证集)")
"""In a heading, where `all methods` says nothing of questions."""
DATE = re.compile(
    r"(?<!\d)(20\d\d)(?:[-/._年](0?[1-9]|1[0-2])[-/._月](3[01]|[12]\d|0?[1-9])|(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01]))(?!\d)"
)
DAY = re.compile(r"(?<![\w.-])(0[1-9]|1[0-2])[-/](3[01]|[12]\d|0[1-9])(?![\w.-])")
NUMBERING = re.compile(r"^\s*(?:[一二三四五六七八九十]+、|第\S{1,3}[章节]|\d+(?:\.\d+)*[.、)]?(?=\s))\s*")
SAYING = re.compile(
    r"(?<=.)\s*(?:推理|测试|评估)?结果$|(?<=.)\s*(?:准确率|正确率)$|^(?:results?|accurac(?:y|ies)) (?:of|for|on)\s"
    r"|(?<=\S)\s+(?:results?|acc(?:uracy)?)$|\(\s*%\s*\)|^数据(?:对比)?$",
    re.IGNORECASE,
)
"""Parts of a heading that say no more than that accuracies follow."""
NOTHING = re.compile(
    r"|[-–—./?*]+|n/?a|none|null|nan|tbd|todo|未测试?|无|待测?|未完成|not tested|pending", re.IGNORECASE
)
"""A whole cell."""
NUMBER = re.compile(
    r"[~≈]?\s*([+-]?)\s*(\d{1,3}(?:,\d{3})+|\d{1,15})(?:([.,])(\d{1,12}))?\s*(%|pp|pts?|points?|个?百分点)?\s*[*†‡]*"
    r"(?:\s*\([^()]{0,60}\)|\s*±\s*[\d.]{1,12}\s*%?)?"
)
"""A whole cell; a remark in brackets and a half-width may follow."""
