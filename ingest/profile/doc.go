// Package profile knows which attributes the events of each source have, so that a
// source whose events change is noticed, and a rule that asks for what there is not.
//
// Start at Profile. It looks at a part of the events; what it has not seen may exist.
//
// That is told once (TestAnAttributeThatVanishesIsToldOnce), as an event of
// source:nightjar, which a bundled rule reads
// (TestARuleThatCannotFireAndASourceThatChangesAreTold in e2e).
package profile
