"""Which SQL a hook may be: what is not on the list is refused, by whatever spelling."""

import pytest

from flows.targets.base import TargetRefused
from flows.targets.hooks.guard import guarded

REFUSED = {
    "drop": "DROP TABLE ds_orders",
    "delete": "delete from ds_orders",
    "update": "UPDATE ds_orders SET a = 1",
    "truncate": "TRUNCATE ds_orders",
    "insert": "INSERT INTO ds_orders VALUES (1)",
    "merge": "MERGE INTO ds_orders",
    "copy": "COPY ds_orders TO PROGRAM 'sh'",
    "grant": "GRANT ALL ON ds_orders TO PUBLIC",
    "revoke": "REVOKE ALL",
    "alter": "ALTER TABLE ds_orders ADD x int",
    "after-a-comment": "/* hello */ -- there\n DROP TABLE ds_orders",
    "nested-comment": "/* a /* b */ c */ DROP TABLE ds_orders",
    "do": "DO $$ BEGIN DROP TABLE x; END $$",
    "two": "SELECT 1; DROP TABLE ds_orders",
    "two-selects": "SELECT 1; SELECT 2",
    "cte-with-delete": "WITH gone AS (DELETE FROM ds_orders RETURNING *) SELECT * FROM gone",
    "cte-with-insert": "WITH x AS (INSERT INTO ds_orders VALUES (1) RETURNING 1) SELECT * FROM x",
    "into": "SELECT * INTO ds_copy FROM ds_orders",
    "lock": "SELECT * FROM ds_orders FOR UPDATE",
    "read-file": "SELECT pg_read_file('/etc/passwd')",
    "ls": "SELECT * FROM pg_ls_dir('/')",
    "read-file-from": "SELECT * FROM pg_read_file('/etc/passwd')",
    "large-object": "SELECT lo_import('/etc/passwd')",
    "dblink": "SELECT * FROM dblink('host=x', 'SELECT 1') AS t(a int)",
    "sleep": "SELECT pg_sleep(1000)",
    "set-config": "SELECT set_config('search_path', 'public', false)",
    "set": "SET search_path = public",
    "set-role": "SET ROLE postgres",
    "reset": "RESET ROLE",
    "query-to-xml": "SELECT query_to_xml('SELECT 1', true, true, '')",
    "nextval": "SELECT nextval('ds_seq')",
    "kill": "SELECT pg_terminate_backend(1)",
    "notify": "NOTIFY x",
    "listen": "LISTEN x",
    "call": "CALL ds_x()",
    "prepare": "PREPARE x AS SELECT 1",
    "execute": "EXECUTE x",
    "explain": "EXPLAIN ANALYZE SELECT 1",
    "begin": "BEGIN",
    "commit": "COMMIT",
    "rollback": "ROLLBACK",
    "savepoint": "SAVEPOINT x",
    "vacuum": "VACUUM ds_orders",
    "create-function": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "load": "LOAD 'x'",
    "create-table": "CREATE TABLE ds_x AS SELECT * FROM pg_user",
    "extension": "CREATE EXTENSION dblink",
    "comment-on": "COMMENT ON TABLE ds_orders IS 'x'",
    "refresh-other": "REFRESH MATERIALIZED VIEW tenancy_user",
    "catalog": "SELECT * FROM pg_catalog.pg_user",
    "catalog-bare": "SELECT * FROM pg_user",
    "information": "SELECT * FROM information_schema.tables",
    "other-table": "SELECT * FROM tenancy_user",
    "other-schema": "SELECT * FROM t_globex.ds_orders",
    "other-schema-quoted": 'SELECT * FROM "t_globex"."ds_orders"',
    "other-database": "SELECT * FROM kaireon.public.ds_orders",
    "upper-quoted": 'SELECT * FROM "DS_ORDERS"',
    "cyrillic": "SELECT * FROM ds_оrders",
    "unicode-escape": 'SELECT * FROM U&"ds\\005forders"',
    "cte-named-as-catalog": "SELECT * FROM (WITH pg_user AS (SELECT 1) SELECT 1) x, pg_user",
    "cte-case": "WITH PG_user AS (SELECT * FROM pg_user) SELECT * FROM PG_user",
    "regclass": "SELECT 'tenancy_user'::regclass",
    "xml": "SELECT '<a/>'::xml",
    "table-command": "TABLE tenancy_user",
    "subquery": "SELECT (SELECT password FROM tenancy_user LIMIT 1)",
    "exists": "SELECT EXISTS (SELECT 1 FROM tenancy_user)",
    "union": "SELECT 1 UNION SELECT password FROM tenancy_user",
    "lateral": "SELECT * FROM ds_a, LATERAL pg_ls_dir('/') x",
    "join": "SELECT * FROM ds_a JOIN tenancy_user u ON true",
    "current-setting": "SELECT current_setting('data_directory')",
    "whole-row-function": "SELECT pg_relation_filepath('ds_a')",
    "empty": "",
    "blank": "  ; ",
    "nul": "SELECT 1\0",
    "only-comment": "-- nothing",
    "dollar": "SELECT $x$a$x$; DROP TABLE x",
    "not-sql": "hello there",
    "values": "VALUES (1)",
    "deep": "SELECT " + "(" * 4_000 + "1" + ")" * 4_000,
    "index-expression": "CREATE INDEX i ON ds_a (pg_sleep(1))",
    "index-other": "CREATE INDEX i ON tenancy_user (email)",
    "unique-index": "CREATE UNIQUE INDEX i ON ds_a (b)",
    "analyze-all": "ANALYZE",
    "analyze-other": "ANALYZE tenancy_user",
    "custom-operator": "SELECT 1 OPERATOR(public.+) 1",
    "own-function": "SELECT ds_after_load(1)",
    "recursive-files": "WITH RECURSIVE a AS (SELECT pg_ls_dir('/')) SELECT * FROM a",
}


@pytest.mark.parametrize("statement", [pytest.param(text, id=name) for name, text in REFUSED.items()])
def test_a_statement_that_is_not_on_the_list_is_refused(statement: str) -> None:
    with pytest.raises(TargetRefused):
        guarded(statement, "t_acme")


@pytest.mark.parametrize(
    ("statement", "sql"),
    [
        pytest.param(
            "select count(*) from ds_orders where amount > 1;",
            'SELECT COUNT(*) FROM "t_acme"."ds_orders" AS "ds_orders" WHERE amount > 1', id="select",
        ),
        pytest.param(
            "/* why */ SELECT o.id FROM public.ds_orders o JOIN ds_lines USING (id)",
            'SELECT o.id FROM "t_acme"."ds_orders" AS o JOIN "t_acme"."ds_lines" AS "ds_lines" USING (id)', id="join",
        ),
        pytest.param(
            "WITH big AS (SELECT * FROM DS_Orders) SELECT sum(amount) FROM big",
            'WITH big AS (SELECT * FROM "t_acme"."ds_orders" AS "ds_orders") SELECT SUM(amount) FROM big', id="with",
        ),
        pytest.param("ANALYZE public.ds_orders", 'ANALYZE "t_acme"."ds_orders"', id="analyze"),
        pytest.param(
            "refresh materialized view ds_daily", 'REFRESH MATERIALIZED VIEW "t_acme"."ds_daily"', id="refresh"
        ),
        pytest.param(
            'CREATE INDEX by_day ON ds_orders (day, "Order ID")',
            'CREATE INDEX IF NOT EXISTS "by_day" ON "t_acme"."ds_orders" ("day", "Order ID")', id="index",
        ),
    ],
)  # fmt: skip
def test_what_runs_is_built_from_what_was_understood(statement: str, sql: str) -> None:
    assert guarded(statement, "t_acme").sql == sql


def test_only_what_changes_nothing_is_run_as_reading() -> None:
    assert guarded("SELECT 1", "t_acme").is_reading
    assert not guarded("ANALYZE ds_orders", "t_acme").is_reading
