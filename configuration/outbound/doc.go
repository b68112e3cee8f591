// Package outbound makes the requests that the engine sends of its own accord, to where
// users told it: one guard, proxy, authority and set of limits for all of them.
//
// Start at New. Whatever a name resolves to and wherever a redirect leads, nothing is
// reached that the operator did not allow: the address is looked at when it is dialed.
//
// Nothing is reached that the operator did not allow, whatever a name resolves to, a
// redirect says or a proxy would do: TestNothingThatIsNotAllowedIsReached,
// TestRedirectsAreLookedAt, TestTheTargetOfAProxyIsLookedAt. Where he said where a secret
// may go (Place), it goes nowhere else: TestASecretGoesToItsPlacesOnly,
// TestARedirectTakesNoSecretOutOfItsPlace.
package outbound
