package generate

import "sync"

var (
	once   sync.Once
	byName map[string]*Kind
)

// definitions are the kinds, one each. To add a kind, define it and list it.
func definitions() []*Kind {
	return []*Kind{
		schemaKind(), enumKind(), domainKind(), compositeKind(), rangeKind(), sequenceKind(), ownershipKind(),
		tableKind(), columnKind(), checkKind(), uniqueKind(), foreignKeyKind(), exclusionKind(), indexKind(),
		functionKind(), procedureKind(), aggregateKind(), triggerFunctionKind(), triggerKind(),
		viewKind("view", "VIEW", 9), viewKind("materialized_view", "MATERIALIZED VIEW", 6),
		policyKind(), replicaIdentityKind(), commentKind(), grantKind(),
	}
}

func grammar() map[string]*Kind {
	once.Do(func() {
		byName = map[string]*Kind{}
		for _, k := range definitions() {
			byName[k.Name] = k
		}
	})
	return byName
}

// inSchema is the slot of what lives in a schema other than public.
func inSchema() Slot { return Slot{Name: "schema", Kinds: []string{"schema"}, Chance: 25, Fixed: true} }

func ofType(chance int) Slot {
	return Slot{Name: "type", Kinds: []string{"enum", "domain", "composite", "range"}, Chance: chance}
}

// calls is the slot of a function that an expression calls.
func calls(chance int) Slot {
	return Slot{Name: "function", Kinds: []string{"function"}, Chance: chance, Keep: true}
}

var relations = []string{"table", "view", "materialized_view"}
