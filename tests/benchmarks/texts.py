"""Texts to synthesize; in amber's speech, ONE to SIXTY last as many seconds as their names say."""

from __future__ import annotations

import itertools

ONE = "Good morning."
NINE = (
    "The committee will meet again on Thursday afternoon to look at the plans for the new library, and anyone who "
    "would like to speak should send a short letter before noon."
)
SIXTY = (
    "When the last of the guests had gone and the lamps along the garden wall were burning low, the old captain "
    "took his chair out to the terrace, lit his pipe, and began to tell the children about the winter that he had "
    "spent in the north, about the ice that sang at night under the weight of the moving water, about the white "
    "foxes that came to the door of the hut for bread, and about the long blue evenings in which nothing moved for "
    "miles but the smoke of their own small fire, until at last the wind turned, the river opened with a noise "
    "like a hundred wagons on a bridge, the first green showed between the stones on the southern shore, and the "
    "ship that everyone had given up for lost came slowly round the point, with torn sails and with half of her "
    "crew, but with the letters, the flour, the lamp oil and the good black coffee that they had been dreaming of "
    "since the middle of October, so that the men who had sworn in the dark that they would never again set foot "
    "on a deck stood laughing on the beach with their boots full of water, and the cook, who had not spoken a word "
    "since the new year, climbed on a barrel, took off his cap, and sang all nine verses of the song that his "
    "mother had taught him when he was small."
)
PARAGRAPH = (
    "The station was almost empty when she arrived. A clerk was sweeping the floor behind the ticket window. She "
    "asked him when the next train to the coast would leave. He looked at the clock above the door, and then at "
    "the large board beside it. There would be one at half past nine, he said, if the snow in the hills was not "
    "too deep. She thanked him and sat down on a bench near the stove. Outside the wind was blowing from the "
    "north, and the lamps along the platform were swinging on their chains. An old man with a wooden leg came in "
    "and stamped the snow from his boot. He nodded to her as if they had known each other for years. After a while "
    "he took an apple out of his pocket, cut it carefully in two, and gave her the larger half. They ate without a "
    "word. When the train came in at last, its windows were white with frost."
)


def sentences_for(seconds: float) -> str:
    """Return sentences that last about as many seconds; no two neighbours are alike."""
    parts = [part.strip() + "." for part in PARAGRAPH.split(".") if part.strip()]
    count = max(1, round(seconds / 3.7))
    return " ".join(itertools.islice(itertools.cycle(parts), count))
