"""The pointer selector, built of the parts that `db.specs.selector` names."""

from engine.selector.decode import PADDED_LOGIT
from engine.selector.network import Greedy, PointerSelector
from engine.selector.scorers import CHOSEN_LOGIT

__all__ = ["CHOSEN_LOGIT", "PADDED_LOGIT", "Greedy", "PointerSelector"]
