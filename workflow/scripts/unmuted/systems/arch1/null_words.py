"""Words that no class uses, for the null dictionaries of the Feature Filter.

A null dictionary has an everyday noun in place of every action's words. It decides about clips as
the real one does, so that what many of them decide shows what the words of the actions add.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from unmuted.errors import UserError
from unmuted.systems.arch1.dictionary import action_words, label_names
from unmuted.systems.arch1.dictionary_check import same_word
from unmuted.training.order import stable_hash

# Objects, plants, substances, places and ideas, chosen without looking at any result. Those that a
# class or a label of AudioSet names are left out when words are drawn.
NOUNS = """
    acorn album almond alphabet amber anchor angle ankle apron arch archive arrow ash atlas
    attic autumn avenue bacon badge balcony banana barrel basil basin basket beard beige berry
    biscuit blanket blossom blueprint bonnet bookshelf border bottle boulder bracelet branch
    bread brick bridge broccoli bronze bucket budget butter button cabbage cabin cactus
    calendar canal candle canvas canyon cape caramel cardboard carpet carrot castle catalog
    ceiling cellar cement census century chalk chapter charcoal checklist cheese chestnut
    chimney cinnamon circle citizen clay cliff clover coast cobalt coconut collar column comma
    compass concept concrete continent copper coral corner cotton couch cousin crayon cream
    crescent crystal cube cucumber cupboard curtain cushion dairy decade degree desert diagram
    diamond diary dictionary diploma district document domain dough dozen drawer duchess dusk
    eclipse edge elbow element embassy emerald engineer entrance envelope equation essay estate
    eyebrow fabric factor feather fern fiber fig flag flannel flask flavor flour folder
    forehead formula fossil fountain fraction frame freckle fruit galaxy gallery garden garlic
    garment geography ginger glacier glove glue grammar granite grape graph gravel grid grocery
    habit hallway handkerchief harbor hazel hedge height helmet heritage hexagon hill honey
    horizon hostel hotel idea igloo index inch indigo ink insurance island ivory ivy jacket jar
    jasmine jelly jewel journal jungle jury kettle kidney kimono kingdom kite kiwi knee label
    lace lagoon lantern latitude lavender lawn lawyer leaf leather legend lemon lentil lettuce
    library lilac lime linen lipstick liver lobby locket logic longitude lotion lumber magnet
    mango manor map maple marble margin mattress mayor meadow medal melon menu meter mineral
    mint mirror mitten moment monument moon moss mountain muffin museum mushroom mustard napkin
    nation navel necklace nectar needle noodle notebook novel nutmeg oak oasis oat olive onion
    opal orange orbit orchard orchid outline oval oxygen paddock palace pancake panel paper
    parcel parish parsley passport pasta patio pattern peach pear pebble pencil pepper petal
    pie pillow pine planet plaster plate plum pocket poem polygon poppy porcelain porch
    portrait potato poster powder prairie prism province prune pudding pumpkin puzzle pyramid
    quarry quilt radish raisin ranch recipe rectangle region ribbon rice ridge riddle robe roof
    rose rug ruler saddle saffron salad salt sand sandal sapphire sauce savings scarf scroll
    sculpture season senate sentence shadow shawl shelf shirt shoulder silk silver sketch skirt
    sleeve slope soap sofa soil soup spice spinach sponge square stadium stamp statue stencil
    stool stripe sugar suitcase summer sunflower sweater symbol syrup table tablecloth tailor
    tax temple tent territory texture theory thumb ticket tile timetable tissue toast tofu
    tomato topaz towel tower treaty triangle tulip tunic turnip turquoise umbrella uncle
    uniform valley vanilla vase vault vegetable veil velvet verb vest village vine violet
    vitamin volcano vowel waffle waist wall wallet walnut wardrobe wax weekend wheat willow
    winter wool wrist yard yogurt zebra zone
""".split()  # noqa: SIM905 (a list of so many words could not be read)


def null_dictionaries(actions: Sequence[str], labels: Sequence[str], count: int) -> list[list[str]]:
    """Draw the words of `count` dictionaries, one for each action.

    In a dictionary no word occurs twice; where there are more actions than nouns, pairs of nouns
    are drawn. The draw comes from hashes alone: the same names give the same words everywhere.
    Raises UserError if the names of actions and labels leave fewer than two nouns.
    """
    names = [action_words(action) for action in actions]
    names += [name for label in labels for name in label_names(label)]
    used = {word for name in names for word in re.findall(r"[a-z]+", name.lower())}
    nouns = [noun for noun in NOUNS if not any(same_word(noun, word) for word in used)]
    if len(nouns) < 2:
        raise UserError("the classes use all words that null dictionaries could be made of")
    shuffled = [_shuffled(nouns, number) for number in range(count)]
    return [[_word(words, place) for place in range(len(actions))] for words in shuffled]


def _shuffled(nouns: Sequence[str], number: int) -> list[str]:
    return sorted(nouns, key=lambda noun: (stable_hash("null dictionary", number, noun), noun))


def _word(nouns: Sequence[str], place: int) -> str:
    """Return the noun at a place; after the last one pairs follow, with rising distances."""
    distance, first = divmod(place, len(nouns))
    if distance == 0:
        return nouns[first]
    return f"{nouns[first]} {nouns[(first + distance) % len(nouns)]}"
