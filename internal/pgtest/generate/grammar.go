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
		policyKind(), replicaIdentityKind(), ruleKind(), statisticsKind(), temporalKind(), commentKind(), grantKind(), ownerKind(), defaultPrivilegeKind(),
		collationKind(), castKind(), operatorKind(), familyKind(), classKind(), baseTypeKind(), shellTypeKind(), conversionKind(),
		parserKind(), templateKind(), dictionaryKind(), configurationKind(),
		wrapperKind(), serverKind(), mappingKind(), foreignTableKind(), publicationKind(),
		languageKind(), accessMethodKind(), typedTableKind(), eventFunctionKind(), eventTriggerKind(),
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
	return Slot{Name: "type", Kinds: []string{"enum", "domain", "composite", "range", "base_type"}, Chance: chance}
}

// calls is the slot of a function that an expression calls.
func calls(chance int) Slot {
	return Slot{Name: "function", Kinds: []string{"function"}, Chance: chance, Keep: true}
}

// operates is the slot of an operator in an expression.
func operates(chance int) Slot {
	return Slot{Name: "operator", Kinds: []string{"operator"}, Chance: chance, Keep: true}
}

var relations = []string{"table", "view", "materialized_view", "foreign_table"}

// Makes returns the names of the kinds whose objects generated schemas have.
func Makes() map[string]bool {
	names := map[string]bool{}
	for _, k := range definitions() {
		if k.Makes == nil {
			names[k.Name] = true
		}
		for _, name := range k.Makes {
			names[name] = true
		}
	}
	return names
}
