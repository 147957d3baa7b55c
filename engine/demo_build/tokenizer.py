"""The tiny model's tokenizer: byte-level BPE, so that any text tokenizes; the world's own phrases are single tokens.

The special tokens and the chat template are shaped like Qwen2.5-VL's, so that no caller needs a special case.
"""

from collections.abc import Iterator
from typing import Any

from db.specs.evaluate import SYSTEM_PROMPT
from engine.demo.language import SPEAKERS, WORDS
from engine.demo.scene import VALUES

END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
VISION_START, VISION_END, IMAGE, VIDEO = "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"
SPECIAL = (END_OF_TEXT, TURN_START, TURN_END, VISION_START, VISION_END, "<|vision_pad|>", IMAGE, VIDEO)
FALLBACK_SYSTEM = "You are a helpful assistant."  # what Qwen's template says when a chat has no system message
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}"
    f"<|im_start|>system\n{FALLBACK_SYSTEM}<|im_end|>\n"
    "{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' or 'image' in part or 'image_url' in part %}"
    "<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif 'text' in part %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# Phrases of the prompt and the questions. Longest match wins, so a question becomes a handful of tokens,
# and a made-up word is the same token after a colon, after a blank and at the start of the model's turn.
PHRASES = (
    "Question:", "? Short answer:", " Short answer:", "What does ", " see", " call this ", " and ", "?",
    "What ", " is it", "Where is it", "system\n", "user\n", "assistant\n", SYSTEM_PROMPT, FALLBACK_SYSTEM,
)  # fmt: skip
VOCABULARY_SIZE = 640
_COMMON_TEXT = """
the of and to in is it for on with as this that are was be by at from or an you your what which who how many kind type
color brand name used for made sport animal food picture image photo person man woman people can could would where when
answer question using one word phrase short please look at the example examples give only briefly most likely reply
"""


def build_tokenizer() -> Any:
    """A transformers tokenizer with vocabulary, special tokens and chat template; the same every time."""
    # seconds that the episodes, which are made without a model, do not need
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    phrases = list(_phrases())
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE - len(phrases),
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([_COMMON_TEXT, SYSTEM_PROMPT, FALLBACK_SYSTEM], trainer)
    tokenizer.add_tokens([AddedToken(phrase, normalized=False) for phrase in phrases])
    built = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=TURN_END, pad_token=END_OF_TEXT, extra_special_tokens=list(SPECIAL[1:])
    )
    built.chat_template = CHAT_TEMPLATE
    built.padding_side = "left"
    return built


def _phrases() -> Iterator[str]:
    yield from PHRASES
    yield from VALUES
    for values in VALUES.values():
        yield from values
    yield from SPEAKERS
    yield from WORDS
