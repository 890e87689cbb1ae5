"""Looking up in a tenant's own tables: every type comes as it is, and no other table is reachable."""

import pytest

from flows.engines.base import EngineError
from flows.services.tables import make_lookup
from tests.flows.targets.conftest import World

COLUMNS = (
    "id bigint, name text, price numeric(12,2), share float8, day date, at timestamp, tz timestamptz, t time, "
    "ok bool, u uuid, j jsonb, n numeric"
)


def test_every_type_comes_as_it_is(world: World) -> None:
    world.make(COLUMNS, "ds_prices")
    world.run(
        "INSERT INTO t_acme.ds_prices VALUES (1, E'a,\"b\\nc', 1.50, 0.1, '2024-02-29', '2024-01-01 10:00:00.5', "
        "'2024-01-01 10:00+02', '23:59:59.000001', true, '00000000-0000-0000-0000-000000000001', '{\"a\": 1}', 1.25), "
        "(2, '', -0.01, 'NaN', NULL, NULL, NULL, NULL, false, NULL, NULL, NULL), (NULL, NULL, NULL, NULL, NULL, NULL, "
        "NULL, NULL, NULL, NULL, NULL, NULL)"
    )
    names = [part.split()[0] for part in COLUMNS.split(", ")]

    table = make_lookup(world.tenant)("public.ds_prices", names).read_all()

    rows = [[str(value) for value in row.values()] for row in table.to_pylist()]
    assert rows[0] == [
        "1", 'a,"b\nc', "1.50", "0.1", "2024-02-29", "2024-01-01 10:00:00.500000", "2024-01-01 08:00:00+00:00",
        "23:59:59.000001", "True", "00000000-0000-0000-0000-000000000001", '{"a": 1}', "1.250000000",
    ]  # fmt: skip
    assert rows[1][:5] == ["2", "", "-0.01", "nan", "None"]
    assert set(rows[2]) == {"None"}


def test_an_empty_table_has_its_columns(world: World) -> None:
    world.make("id bigint", "ds_prices")

    table = make_lookup(world.tenant)("ds_prices", ["id"]).read_all()

    assert table.num_rows == 0
    assert str(table.schema.field("id").type) == "int64"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        pytest.param("ds_nowhere", "no table public.ds_nowhere", id="missing"),
        pytest.param("t_globex.ds_prices", "is no table of a pipeline", id="other-schema"),
        pytest.param("tenancy_user", "is no table of a pipeline", id="other-table"),
        pytest.param('ds_prices" UNION SELECT', "is no table of a pipeline", id="quote"),
        pytest.param("DS_PRICES", "is no table of a pipeline", id="case"),
    ],
)
def test_no_other_table_is_reachable(world: World, table: str, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        make_lookup(world.tenant)(table, ["id"])


def test_a_column_that_is_not_there_is_named(world: World) -> None:
    world.make("id bigint", "ds_prices")

    with pytest.raises(EngineError, match="has no column nope"):
        make_lookup(world.tenant)("ds_prices", ["id", "nope"])
