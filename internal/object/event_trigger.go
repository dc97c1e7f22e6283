package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// eventTrigger is an event trigger, manual chapter 40.
type eventTrigger struct {
	Event    string
	Tags     []string // commands that it is for, sorted; empty for all
	Function string   // printed name
	Enabled  string   // O, D, R or A as pg_event_trigger.evtenabled
}

// EventTrigger defines event triggers.
//
// They fire for the statements of a plan too. A new one could refuse what the
// plan still has to do, and one that goes was not meant for it any more.
func (kinds) EventTrigger(set *kind.Set) {
	kind.Define(set, kind.Spec[eventTrigger]{
		Name: "event_trigger", SQL: "EVENT TRIGGER", Rank: 300, Rename: kind.RenameTo, Hazards: onDrop[eventTrigger]("drop-trigger"),
		Doc: "Event triggers with their tags and enabled state. They are dropped and disabled before everything else, and created " +
			"after it. Those that stay fire for the statements of a plan.",
		Found: "pg_event_trigger",
		Query: func(int) string {
			return `SELECT 'pg_event_trigger'::regclass::oid AS classid, e.oid AS objid, 0 AS objsubid, e.evtname AS name,
	pg_get_userbyid(e.evtowner) AS owner, e.evtevent AS event,
	(SELECT json_agg(t.tag ORDER BY t.tag COLLATE "C") FROM unnest(e.evttags) AS t(tag)) AS tags,
	e.evtfoid::regproc::text AS function, e.evtenabled AS enabled
FROM pg_event_trigger e`
		},
		Ref: outsideSchemas,
		Create: func(_ *kind.Ctx, id schema.ID, t eventTrigger) []kind.Action {
			tags := make([]string, len(t.Tags))
			for i, tag := range t.Tags {
				tags[i] = pg.QuoteLiteral(tag)
			}
			actions := kind.Do(kind.Words("CREATE EVENT TRIGGER", outsideSchemas(id), "ON", t.Event,
				onOff(len(tags) > 0, "WHEN TAG IN ("+list(tags)+")", ""), "EXECUTE FUNCTION", t.Function+"()"))
			if t.Enabled != "O" {
				actions = append(actions, enableEventTrigger(id, t)...)
			}
			return actions
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ eventTrigger) []kind.Action {
			return kind.Do("DROP EVENT TRIGGER " + outsideSchemas(id))
		},
		Alter: kind.Alter[eventTrigger]{
			"event": nil, "tags": nil, "function": nil,
			"enabled": func(_ *kind.Ctx, id schema.ID, _, t eventTrigger) []kind.Action { return enableEventTrigger(id, t) },
		},
		After: func(c *kind.Ctx, _ *schema.State, _ schema.ID, _ eventTrigger) []schema.ID {
			return otherThan(c, "event_trigger")
		},
		Ends: func(_, t eventTrigger) bool { return t.Enabled == "D" },
	})
}

func enableEventTrigger(id schema.ID, t eventTrigger) []kind.Action {
	return kind.Do("ALTER EVENT TRIGGER " + outsideSchemas(id) + " " + enabledWords[t.Enabled])
}

// otherThan returns the objects of both states that are neither of the kind nor
// describe one of it.
func otherThan(c *kind.Ctx, kind string) []schema.ID {
	var others []schema.ID
	for _, s := range []*schema.State{c.Old, c.New} {
		for id := range s.Objects {
			if id.Subject().Kind != kind {
				others = append(others, id)
			}
		}
	}
	return others
}
