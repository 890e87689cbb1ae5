"""How budgets burn: allocation, spent, remaining, burn rate, and where it leads.

The product keeps no budgets, so the params carry them: `allocation` for one budget over everything, or `budgets`, each
with the channel, offer, category or segment that it is for. What is spent comes from recorded interactions: the number
under `costField` in their attributes (`{"cost": 0.35}`), or their conversion value where `spentFrom` says so. An
interaction that says no cost costs nothing here; how many said one stands in the table.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field, ValidationInfo, field_validator

from interactions.selectors.narrowing import Narrowing
from interactions.selectors.spending import Spending, Spent, read_spending
from reports.decisions.budgets import Burn, burn
from reports.decisions.document import Chart, ChartKind, Column, Figure, Row, Unit
from reports.decisions.periods import Stretch, between_dates
from reports.sources.params import MAX_DAYS, Params, TextId
from reports.sources.registry import Scope, Source, Table

MOST_BUDGETS: Final = 50
Amount = Annotated[Decimal, Field(gt=0, max_digits=20, decimal_places=6)]


class Budget(Params):
    """What one budget is for, and how much it is."""

    allocation: Amount
    name: TextId | None = None
    channel_id: TextId | None = None
    offer_id: TextId | None = None
    category_id: TextId | None = None
    segment_id: TextId | None = None

    @property
    def narrowing(self) -> Narrowing:
        """Return which interactions spend it."""
        return Narrowing(self.channel_id, self.offer_id, self.category_id, self.segment_id)

    @property
    def title(self) -> str:
        """Return its name, else what it is for."""
        parts = (self.channel_id, self.offer_id, self.category_id, self.segment_id)
        return self.name or " · ".join(part for part in parts if part) or "All interactions"


class BudgetParams(Params):
    """One allocation or several budgets, from the first to the last day, both included."""

    allocation: Amount | None = Field(None, description="One budget over everything; or give budgets.")
    budgets: list[Budget] | None = Field(
        None, min_length=1, max_length=MOST_BUDGETS, validate_default=True,
        description="Budgets, each for a channel, an offer, a category or a segment.",
    )  # fmt: skip
    first_day: date = Field(alias="from", description="The first day of the budget.")
    last_day: date = Field(alias="to", description="The last day of the budget.")
    spent_from: Spending = Field(Spending.ATTRIBUTE, description="What an interaction spends.")
    cost_field: TextId = Field("cost", description="The attribute that holds an interaction's cost.")

    @field_validator("budgets")
    @classmethod
    def _check_budgets(cls, budgets: list[Budget] | None, info: ValidationInfo) -> list[Budget] | None:
        if (budgets is None) is (info.data.get("allocation", 0) is None):
            raise ValueError("Give either allocation or budgets.")
        return budgets

    @field_validator("last_day")
    @classmethod
    def _check_days(cls, last_day: date, info: ValidationInfo) -> date:
        first_day = info.data.get("first_day", last_day)
        if not 0 <= (last_day - first_day).days < MAX_DAYS or last_day.year in {date.min.year, date.max.year}:
            raise ValueError(f"Must be the first day or one of the {MAX_DAYS - 1} days after it.")
        return last_day

    @property
    def all_budgets(self) -> list[Budget]:
        """Return the budgets, however they were given."""
        return self.budgets or [Budget.model_validate({"allocation": self.allocation})]


COLUMNS: Final = (
    Column("budget", "Budget"),
    Column("allocation", "Allocation", Unit.MONEY),
    Column("spent", "Spent", Unit.MONEY),
    Column("remaining", "Remaining", Unit.MONEY),
    Column("used", "Used", Unit.RATIO),
    Column("elapsed", "Time elapsed", Unit.RATIO),
    Column("burnRate", "Burn rate a day", Unit.MONEY),
    Column("projected", "Projected at the end", Unit.MONEY),
    Column("usedUpOn", "Used up on", Unit.DATE),
    Column("interactions", "Interactions with a cost", Unit.COUNT),
)


def _read(params: BudgetParams, scope: Scope) -> Table:
    window = between_dates(params.first_day, params.last_day, scope.zone)
    covers = Stretch(window.start, max(window.start, min(scope.now, window.end)))
    budgets = params.all_budgets
    spent = read_spending(
        tenant_id=scope.tenant_id, window=covers, of=[each.narrowing for each in budgets],
        spending=params.spent_from, field=params.cost_field,
    )  # fmt: skip
    burns = [
        burn(allocation=budget.allocation, spent=each.amount, window=window, now=scope.now, zone=scope.zone)
        for budget, each in zip(budgets, spent, strict=True)
    ]
    return Table(
        COLUMNS,
        scope.spool.keep(_row(*each) for each in zip(budgets, burns, spent, strict=True)),
        figures=(
            Figure("allocation", "Allocation", sum(each.allocation for each in burns), Unit.MONEY),
            Figure("spent", "Spent", sum(each.spent for each in burns), Unit.MONEY),
            Figure("remaining", "Remaining", sum(each.remaining for each in burns), Unit.MONEY),
        ),
        chart=Chart(ChartKind.BAR, "budget", ("allocation", "spent"), "Allocation and spending"),
        note=f"{params.first_day.isoformat()} to {params.last_day.isoformat()}.",
        covers=covers,
    )


def _row(budget: Budget, state: Burn, spent: Spent) -> Row:
    return (
        budget.title, state.allocation, state.spent, state.remaining, state.used, state.elapsed, state.burn_rate,
        state.projected, state.used_up_on, spent.interactions,
    )  # fmt: skip


SOURCE = Source(
    "budget_burn", "Budget burn", "Allocation, spending, burn rate and projection of budgets.", BudgetParams, _read
)
