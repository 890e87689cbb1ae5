"""The words that the checks of a text look for."""

from typing import Final


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What numbers are made of.
STEMS: Final = _listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fourty fifty sixty seventy eighty ninety hundred thousand "
    "dozen lakh crore million billion trillion quadrillion quintillion zillion gazillion twin"
)
ORDINALS: Final = _listed(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth fortieth fiftieth sixtieth "
    "seventieth eightieth ninetieth hundredth thousandth millionth billionth nth"
)
# Further words that count, or that make a number of the one beside them.
COUNTING: Final = _listed(
    "nil naught nought null none no nobody nothing neither both once twice thrice single sole pair couple duo "
    "trio quartet half halve halved halving halves quarter quarters third thirds quintile decile tertile quartile "
    "majority minority percent percentage percentages percentile percentiles pct bp bps cent cents pp ppt ppm pc "
    "times multiple multiples multiplied multiplies multiplying magnitude umpteen zilch nada million millions "
    "billion billions mn bn tn mio mrd mill millionaire k dollar dollars euro euros pound pounds yen usd eur gbp "
    "chf jpy cny inr minus plus squared cubed secondly firstly thirdly fold manifold eins zwei drei vier fünf "
    "funf sieben acht neun zehn elf zwölf zwolf zwanzig hundert tausend millionen doppelt verdoppelt verdoppelte "
    "hälfte halfte halb dreifach prozent deux trois quatre cinq sept huit neuf dix vingt mille moitié moitie "
    "quart uno tres cuatro cinco seis siete ocho nueve diez cien mil mitad doble tre quattro sei sette otto nove "
    "dieci metà cento dois três quatro sete oito dez twee drie vier vijf zes zeven negen tien dubbel helft"
)
# Frequent in any English text, rare in others.
COMMON: Final = _listed(
    "a an and are as at be been by but every for from had has have in into is it its more most of on only or over "
    "other same since than that the their them there these they this those to under was were which while who with "
    "within after against all also among before between during each here how if not per so still such then "
    "through when where whereas"
)
UP: Final = _listed(
    "rise rises rose risen rising increase increases increased increasing grow grows grew grown growing growth "
    "climb climbs climbed climbing jump jumps jumped jumping surge surges surged surging soar soars soared "
    "soaring gain gains gained gaining advance advances advanced advancing expand expands expanded expanding "
    "expansion rally rallied rebound rebounded spike spiked spikes up upward upwards upturn uplift higher "
    "accelerated swell swelled mount mounted escalated skyrocketed"
)
DOWN: Final = _listed(
    "fall falls fell fallen falling decrease decreases decreased decreasing decline declines declined declining "
    "drop drops dropped dropping slip slips slipped slipping sink sinks sank sunk sinking lose loses lost losing "
    "plunge plunges plunged plunging shrink shrinks shrank shrunk shrinking dip dips dipped dipping slide slides "
    "slid sliding tumble tumbled tumbles contract contracted contraction reduce reduced reduces reduction cut "
    "cuts down downward downwards downturn lower lowered fewer retreat retreated eased slump slumped slumps "
    "collapse collapsed crashed plummeted nosedived dwindled diminished ebbed receded"
)
STEADY: Final = _listed("steady stable flat unchanged constant stagnant stagnated static")
# What turns a direction around, or makes a guess of it.
TURNED: Final = _listed(
    "not never without hardly barely scarcely nor failed fails fail instead avoided prevented reversed would "
    "could might may should will if unless expected forecast projected likely unlikely cannot"
)
# Good or bad is not in the data.
JUDGING: Final = _listed(
    "improve improves improved improving improvement worsen worsens worsened worsening deteriorate deteriorated "
    "better worse strengthened weakened recovered recovery healthier healthy disappointing alarming encouraging"
)
# Stand before "up" and "down" without giving them a direction: "made up", "broken down".
BEFORE_UP: Final = _listed("made makes make follow followed following break breaks broken breaking set sum sums summed")
# Make a rate or a mean of the figure that stands with them.
RATES: Final = _listed(
    "average averages averaged averaging mean median typical typically per apiece each every daily hourly weekly "
    "monthly yearly annual annually nightly sum combined together jointly ratio proportion remainder difference gap"
)
MOST: Final = _listed(
    "most highest largest biggest greatest strongest best top leading leads led leader tops topped peak peaked "
    "peaks maximum busiest"
)
LEAST: Final = _listed("least lowest smallest fewest weakest worst bottom minimum slowest quietest")
# Stand between a figure and what it is of: "clicks were 5", "clicks of 5".
LINKING: Final = _listed(
    "of was were is are at reached totalled totaled stood came in with to from by for made brought saw had has a an the"
)
# Speak of the period before.
PAST: Final = _listed(
    "previous previously prior earlier preceding formerly before ago yesterday last against versus than"
)
# Give a reason; the data hold none.
CAUSES: Final = _listed("because caused causes causing driven thanks owing attributable attributed")
