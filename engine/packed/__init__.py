"""Few-shot answers without repeated work: images encoded once, common prefixes read once, prompts packed without padding.

How it works is drawn in `docs/engine.md`. The parts, from the questions to the answers:

    reading      image files to pixels, in processes of their own beside a GPU
    encoding     pixels read ahead, and made visual tokens
    kept         visual tokens by content and size: on the device, in memory, on disk
    shared       visual tokens that several processes have in common
    disk         visual tokens that an earlier run left
    tower        the vision encoder over all images of a chunk at once
    prefixes     prompts cut at their images and laid into a tree: here a prefix is found again
    blocks       prompts in portions, the next one laid out while one is computed
    schedule     which prompts are alive together, within a budget of tokens
    memory       slots for keys and values of the tokens that are alive
    source       what an engine is built of: a loaded model, or its files (files, rotary) alone
    language     the language model over packed tokens
    attention    packed queries over lists of slots, in plain PyTorch (fused: by fused kernels, on CUDA)
    pointwise    what stands between the matrix products (kernels: the same in Triton)
    fp8          rounding before products that read prompts in fp8 (other_precisions: the layers in fp8 and in float32)
    agreement    how far answers and scores in fp8 are others
    decoding     greedy, beam search and sampling as transformers' generate defines them
    references   log-probabilities of given answers behind a prompt
    engine       puts the parts together
"""
