package object

import (
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// subscription is a subscription, manual chapter 29.2. Whether it is enabled is
// how it runs, not what it is.
type subscription struct {
	Connection        string // parameters, sorted, or URI; without secrets
	Secret            bool   `info:"true"` // has a parameter that is a secret
	Enabled           bool   `info:"true"`
	Publications      []string
	Slot              string // "" for none
	Binary            bool
	Streaming         string // off, on or parallel (16 and later)
	Twophase          bool   // 15 and later
	Disableonerror    bool   // 15 and later
	Passwordrequired  bool   // 16 and later
	Runasowner        bool   // 16 and later
	Origin            string // 16 and later
	Failover          bool   // 17 and later
	Synchronouscommit string
}

// Subscription defines subscriptions. No statement of a plan connects to a
// publisher, except one that PostgreSQL has no other way for.
func (kinds) Subscription(set *kind.Set) {
	kind.Define(set, kind.Spec[subscription]{
		Name: "subscription", SQL: "SUBSCRIPTION", Rank: 160, Rename: kind.RenameTo, Hazards: subscriptionHazards,
		Doc: "Subscriptions with connection, publications, slot name and parameters. They are created without connecting, " +
			"disabled and without a slot on the publisher; making the slot, ALTER SUBSCRIPTION ... ENABLE and REFRESH PUBLICATION " +
			"remain to be done, and whether they are enabled is not compared. A dropped one leaves its slot on the publisher. " +
			"Parameters of the connection whose name contains `password` or `secret` are neither read nor set. " +
			"Two-phase commit (18) and failover change in place on a disabled subscription only. " +
			"A role that is no superuser cannot read the connection, which is not compared then.",
		Found:      "pg_subscription",
		Query:      func(server int) string { return subscriptionQuery(server, true) },
		Restricted: func(server int) string { return subscriptionQuery(server, false) },
		Ref:        outsideSchemas,
		Create: func(c *kind.Ctx, id schema.ID, s subscription) []kind.Action {
			options := append([]string{"connect = false", "slot_name = " + slotName(s)}, subscriptionOptions(newSubscription(c.Server), s)...)
			return kind.Do("CREATE SUBSCRIPTION " + outsideSchemas(id) + " CONNECTION " + pg.QuoteLiteral(s.Connection) +
				" PUBLICATION " + list(s.Publications) + " WITH (" + list(options) + ")")
		},
		Drop: dropSubscription,
		Alter: kind.Alter[subscription]{
			"connection": func(_ *kind.Ctx, id schema.ID, old, s subscription) []kind.Action {
				connect := kind.Action{SQL: "ALTER SUBSCRIPTION " + outsideSchemas(id) + " CONNECTION " + pg.QuoteLiteral(s.Connection)}
				if old.Secret {
					connect.Loses, connect.Why = "drop-password", "the password that is kept in the connection"
				}
				return []kind.Action{connect}
			},
			"publications": func(_ *kind.Ctx, id schema.ID, _, s subscription) []kind.Action {
				return kind.Do("ALTER SUBSCRIPTION " + outsideSchemas(id) + " SET PUBLICATION " + list(s.Publications) + " WITH (refresh = false)")
			},
			"slot": alterSubscription, "binary": alterSubscription, "streaming": alterSubscription, "disableonerror": alterSubscription,
			"passwordrequired": alterSubscription, "runasowner": alterSubscription, "origin": alterSubscription,
			"synchronouscommit": alterSubscription,
			"twophase": func(c *kind.Ctx, id schema.ID, old, s subscription) []kind.Action {
				return alterSlot(c, id, old, "two_phase", s.Twophase, 18)
			},
			"failover": func(c *kind.Ctx, id schema.ID, old, s subscription) []kind.Action {
				return alterSlot(c, id, old, "failover", s.Failover, 17)
			},
		},
	})
}

// subscriptionQuery reads the subscriptions of this database: the catalog is
// that of all. Only superusers can read its subconninfo (manual chapter 52.54).
func subscriptionQuery(server int, connection bool) string {
	columns, from := "", ""
	if connection {
		columns, from = "i.connection, coalesce(i.secret, i.connection <> s.subconninfo) AS secret, ", connectionQuery
	}
	streaming := "CASE WHEN s.substream THEN 'on' ELSE 'off' END"
	since15, since16, since17 := "false AS twophase, false AS disableonerror", "true AS passwordrequired, false AS runasowner, 'any' AS origin", "false AS failover"
	if server >= 15 {
		since15 = "s.subtwophasestate <> 'd' AS twophase, s.subdisableonerr AS disableonerror"
	}
	if server >= 16 {
		streaming = "CASE s.substream WHEN 'f' THEN 'off' WHEN 't' THEN 'on' ELSE 'parallel' END"
		since16 = "s.subpasswordrequired AS passwordrequired, s.subrunasowner AS runasowner, s.suborigin AS origin"
	}
	if server >= 17 {
		since17 = "s.subfailover AS failover"
	}
	return `SELECT 'pg_subscription'::regclass::oid AS classid, s.oid AS objid, 0 AS objsubid, s.subname AS name,
	pg_get_userbyid(s.subowner) AS owner, ` + columns + `s.subenabled AS enabled,
	(SELECT jsonb_agg(quote_ident(p) ORDER BY p COLLATE "C") FROM unnest(s.subpublications) AS u(p)) AS publications,
	s.subslotname AS slot, s.subbinary AS binary, ` + streaming + ` AS streaming, s.subsynccommit AS synchronouscommit,
	` + since15 + `, ` + since16 + `, ` + since17 + `
FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid` + from + `
WHERE d.datname = current_database()`
}

// connectionQuery takes the secrets out of a connection string, which is a URI
// or a list of parameters whose values may be quoted (manual chapter 32.1.1).
// Of a parameter that is there twice, libpq takes the last.
const connectionQuery = `
	CROSS JOIN LATERAL (SELECT CASE WHEN s.subconninfo ~ '^postgres(ql)?://'
		THEN regexp_replace(s.subconninfo, '^([^:]*://[^:@/]*):[^@/]*@', '\1@') END AS uri) AS u
	CROSS JOIN LATERAL (SELECT concat_ws('?', split_part(u.uri, '?', 1),
			string_agg(q, '&' ORDER BY n) FILTER (WHERE q <> '' AND split_part(q, '=', 1) !~* 'password|secret|%')) AS connection,
			NULL::boolean AS secret
		FROM regexp_split_to_table(substr(u.uri, strpos(u.uri || '?', '?') + 1), '&') WITH ORDINALITY AS x(q, n)
		HAVING u.uri IS NOT NULL
		UNION ALL
		SELECT string_agg(name || '=' || value, ' ' ORDER BY name COLLATE "C") FILTER (WHERE NOT name ` + secretOption + `),
			bool_or(name ` + secretOption + `)
		FROM (SELECT DISTINCT ON (m[1]) m[1] AS name, m[2] AS value
			FROM regexp_matches(s.subconninfo, '([a-z_]+)\s*=\s*(''(?:[^''\\]|\\.)*''|(?:[^\s\\]|\\.)*)', 'g') WITH ORDINALITY AS r(m, n)
			ORDER BY m[1], n DESC) AS parameters
		WHERE u.uri IS NULL HAVING u.uri IS NULL) AS i`

// newSubscription is what CREATE SUBSCRIPTION makes unless told otherwise.
func newSubscription(server int) subscription {
	s := subscription{Streaming: "off", Passwordrequired: true, Origin: "any", Synchronouscommit: "off"}
	if server >= 18 {
		s.Streaming = "parallel"
	}
	return s
}

// subscriptionOptions prints the parameters that differ, but for the slot.
func subscriptionOptions(old, s subscription) []string {
	var options []string
	for _, o := range []struct{ name, old, new string }{
		{"binary", onOff(old.Binary, "true", "false"), onOff(s.Binary, "true", "false")},
		{"streaming", old.Streaming, s.Streaming},
		{"synchronous_commit", old.Synchronouscommit, s.Synchronouscommit},
		{"two_phase", onOff(old.Twophase, "true", "false"), onOff(s.Twophase, "true", "false")},
		{"disable_on_error", onOff(old.Disableonerror, "true", "false"), onOff(s.Disableonerror, "true", "false")},
		{"password_required", onOff(old.Passwordrequired, "true", "false"), onOff(s.Passwordrequired, "true", "false")},
		{"run_as_owner", onOff(old.Runasowner, "true", "false"), onOff(s.Runasowner, "true", "false")},
		{"origin", old.Origin, s.Origin},
		{"failover", onOff(old.Failover, "true", "false"), onOff(s.Failover, "true", "false")},
	} {
		if o.old != o.new {
			options = append(options, o.name+" = "+o.new)
		}
	}
	return options
}

func slotName(s subscription) string {
	if s.Slot == "" {
		return "NONE"
	}
	return pg.QuoteLiteral(s.Slot)
}

// alterSubscription changes the parameters that concern this server alone. A
// subscription that is to have no slot must not run.
func alterSubscription(_ *kind.Ctx, id schema.ID, old, s subscription) []kind.Action {
	var actions []kind.Action
	here := s
	here.Twophase, here.Failover = old.Twophase, old.Failover
	options := subscriptionOptions(old, here)
	if old.Slot != s.Slot {
		options = append([]string{"slot_name = " + slotName(s)}, options...)
		if old.Enabled && s.Slot == "" {
			actions = kind.Do("ALTER SUBSCRIPTION " + outsideSchemas(id) + " DISABLE")
		}
	}
	return append(actions, kind.Action{SQL: "ALTER SUBSCRIPTION " + outsideSchemas(id) + " SET (" + strings.Join(options, ", ") + ")"})
}

// alterSlot changes a parameter that the slot on the publisher has too, for
// which PostgreSQL connects there; without a slot it refuses (manual, ALTER
// SUBSCRIPTION).
func alterSlot(c *kind.Ctx, id schema.ID, old subscription, name string, on bool, since int) []kind.Action {
	if c.Server < since || old.Slot == "" {
		return nil
	}
	return []kind.Action{{SQL: "ALTER SUBSCRIPTION " + outsideSchemas(id) + " SET (" + name + " = " + onOff(on, "true", "false") + ")", NoTx: true}}
}

// dropSubscription lets go of the slot first: with it, the drop would connect to
// the publisher and could not run in a transaction.
func dropSubscription(_ *kind.Ctx, id schema.ID, s subscription) []kind.Action {
	var actions []kind.Action
	if s.Enabled {
		actions = kind.Do("ALTER SUBSCRIPTION " + outsideSchemas(id) + " DISABLE")
	}
	if s.Slot != "" {
		actions = append(actions, kind.Do("ALTER SUBSCRIPTION "+outsideSchemas(id)+" SET (slot_name = NONE)")...)
	}
	return append(actions, kind.Action{SQL: "DROP SUBSCRIPTION " + outsideSchemas(id),
		Loses: "drop-subscription", Why: "how far it came in the changes of its publisher, where its slot stays"})
}
