"""The two functions that record: one call, one round trip, one transaction, and plans that stay in the session.

As one statement with CTEs the same work took 0.5 ms more of the server for each call, nearly all of it planning; a
prepared statement would save that too, but does not survive every transaction pooler. They answer in words with a blank
between, because a row of columns costs more than what it tells: the result, then the ids of row and event, then the
classification. `p_` are parameters.
"""

from django.db import migrations

# The key must still be what its caller was authenticated by; NULL is a browser's session, checked already.
KEY_IS_UNCHANGED = """
        IF p_key IS NOT NULL THEN
            PERFORM 1 FROM tenancy_apikey
            WHERE id = p_key AND tenant_id = p_tenant AND revoked_at IS NULL
                AND (expires_at IS NULL OR expires_at > p_now) AND role = p_role AND scopes = p_scopes;
            IF NOT FOUND THEN
                RETURN 'key_changed';
            END IF;
        END IF;
"""

# ON CONFLICT has waited for a transaction that was writing the same key; this statement's snapshot is younger and sees
# its row. A row of our own id is ours: the call before this one was cut off after its commit.
EARLIER = """
            SELECT concat_ws(' ', CASE WHEN id = p_id THEN 'recorded' WHEN request_hash = p_hash THEN 'duplicate'
                ELSE 'conflict' END, id, event_id, {last})
            INTO v_words FROM {table} WHERE tenant_id = p_tenant AND idempotency_key = p_idempotency_key;
"""

RING = "PERFORM CASE WHEN NOT pg_try_advisory_xact_lock_shared(7737581574848212481) THEN pg_notify('outbox', '') END;"

INTERACTION = f"""
CREATE FUNCTION interactions_record_interaction(
    p_tenant uuid, p_key uuid, p_role text, p_scopes varchar[], p_now timestamptz, p_id uuid, p_event uuid,
    p_outcome_event uuid, p_idempotency_key text, p_hash bytea, p_customer text, p_outcome text, p_occurred_at timestamptz,
    p_direction text, p_recommendation text, p_rank integer, p_creative text, p_offer text, p_channel text,
    p_placement text, p_conversion_value numeric, p_context jsonb, p_outcome_details jsonb, p_attributes jsonb,
    p_payload_head text, p_payload_middle text, p_payload_tail text, p_outcome_tail text
) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE
        v_words text;
        v_classification text;
        v_category text;
        v_offer text;
        v_channel text;
        v_head text;
    BEGIN
        {KEY_IS_UNCHANGED}
        SELECT classification, category INTO v_classification, v_category
        FROM interactions_outcometype WHERE tenant_id = p_tenant AND key = p_outcome AND deleted_at IS NULL;
        IF NOT FOUND THEN
            {EARLIER.format(table="interactions_interaction", last="classification")}
            RETURN coalesce(v_words, 'unknown_outcome');
        END IF;
        IF p_creative IS NOT NULL THEN
            SELECT offer.key, channel.key INTO v_offer, v_channel
            FROM interactions_creative AS creative
            LEFT JOIN interactions_offer AS offer ON offer.id = creative.offer_id
            LEFT JOIN interactions_channel AS channel ON channel.id = creative.channel_id
            WHERE creative.tenant_id = p_tenant AND creative.key = p_creative;
        END IF;
        v_offer := coalesce(v_offer, p_offer);
        v_channel := coalesce(v_channel, p_channel);
        INSERT INTO interactions_interaction (
            id, tenant_id, event_id, idempotency_key, request_hash, customer_id, recommendation_id, channel_id,
            placement_id, occurred_at, outcome, classification, category, direction, rank, creative_id, offer_id,
            conversion_value, context, outcome_details, attributes)
        VALUES (
            p_id, p_tenant, p_event, p_idempotency_key, p_hash, p_customer, p_recommendation, v_channel,
            p_placement, p_occurred_at, p_outcome, v_classification, v_category,
            coalesce(p_direction, CASE v_category WHEN 'impression' THEN 'outbound' ELSE 'inbound' END), p_rank,
            p_creative, v_offer, p_conversion_value, p_context, p_outcome_details, p_attributes)
        ON CONFLICT (tenant_id, idempotency_key) DO NOTHING;
        IF NOT FOUND THEN
            {EARLIER.format(table="interactions_interaction", last="classification")}
            RETURN coalesce(v_words, 'vanished');
        END IF;
        v_head := p_payload_head || coalesce(to_json(v_offer)::text, 'null')
            || p_payload_middle || coalesce(to_json(v_channel)::text, 'null');
        INSERT INTO outbox_events (id, tenant_id, topic, key, payload, occurred_at)
        VALUES (p_event, p_tenant, 'interaction.recorded.v1', p_customer, (v_head || p_payload_tail)::json, p_occurred_at);
        IF p_outcome_event IS NOT NULL THEN
            INSERT INTO outbox_events (id, tenant_id, topic, key, payload, occurred_at)
            VALUES (p_outcome_event, p_tenant, 'outcome.recorded', p_customer, (v_head || p_outcome_tail)::json,
                p_occurred_at);
        END IF;
        {RING}
        RETURN 'recorded ' || p_id || ' ' || p_event || ' ' || v_classification;
    END $$
"""

DECISION = f"""
CREATE FUNCTION interactions_record_decision(
    p_tenant uuid, p_key uuid, p_role text, p_scopes varchar[], p_now timestamptz, p_id uuid, p_event uuid,
    p_idempotency_key text, p_hash bytea, p_customer text, p_occurred_at timestamptz, p_recommendation text,
    p_channel text, p_placement text, p_after_qualification integer, p_after_contact_policy integer,
    p_final_count integer, p_selected jsonb, p_selected_count integer, p_total_latency_ms double precision,
    p_degraded_scoring boolean, p_status_code integer, p_payload text
) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE
        v_words text;
    BEGIN
        {KEY_IS_UNCHANGED}
        INSERT INTO interactions_decisiontrace (
            id, tenant_id, event_id, idempotency_key, request_hash, customer_id, recommendation_id, channel_id,
            placement_id, occurred_at, after_qualification, after_contact_policy, final_count, selected,
            selected_count, total_latency_ms, degraded_scoring, status_code)
        VALUES (
            p_id, p_tenant, p_event, p_idempotency_key, p_hash, p_customer, p_recommendation, p_channel,
            p_placement, p_occurred_at, p_after_qualification, p_after_contact_policy, p_final_count, p_selected,
            p_selected_count, p_total_latency_ms, p_degraded_scoring, p_status_code)
        ON CONFLICT (tenant_id, idempotency_key) DO NOTHING;
        IF NOT FOUND THEN
            {EARLIER.format(table="interactions_decisiontrace", last="NULL")}
            RETURN coalesce(v_words, 'vanished');
        END IF;
        INSERT INTO outbox_events (id, tenant_id, topic, key, payload, occurred_at)
        VALUES (p_event, p_tenant, 'decision.made.v1', p_customer, p_payload::json, p_occurred_at);
        {RING}
        RETURN 'recorded ' || p_id || ' ' || p_event;
    END $$
"""


class Migration(migrations.Migration):

    dependencies = [
        ('interactions', '0001_initial'),
        ('outbox', '0001_initial'),
        ('tenancy', '0001_initial'),
    ]

    operations = [
        migrations.RunSQL(INTERACTION, "DROP FUNCTION interactions_record_interaction"),
        migrations.RunSQL(DECISION, "DROP FUNCTION interactions_record_decision"),
    ]
