package access

import (
	"crypto/tls"
	"slices"
)

// agentUnit is the organizational unit of agents' certificates.
const agentUnit = "agent"

// OfCertificate is who showed a client's certificate that is trusted; the zero Caller:
// nobody did. Certificates let in shippers and agents, and nobody else: what they may do is
// what an intake's or an agent's key may. State is nil without TLS.
func OfCertificate(state *tls.ConnectionState) Caller {
	if state == nil || len(state.VerifiedChains) == 0 {
		return Caller{}
	}
	subject := state.VerifiedChains[0][0].Subject
	c := Caller{ID: "certificate " + subject.CommonName, Name: subject.CommonName, Role: Intake, Kind: WithCertificate}
	if slices.Contains(subject.OrganizationalUnit, agentUnit) {
		c.Role = Agent
	}
	return c
}

// needsCertificate reports whether the caller's key is of a kind that may be asked to come
// together with a certificate.
func (c Caller) needsCertificate() bool {
	return c.Kind == WithKey && (c.Role == Intake || c.Role == Agent)
}
