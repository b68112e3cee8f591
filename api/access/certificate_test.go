package access

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"testing"
)

func shown(name string, units ...string) *tls.ConnectionState {
	c := &x509.Certificate{Subject: pkix.Name{CommonName: name, OrganizationalUnit: units}}
	return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{c}, VerifiedChains: [][]*x509.Certificate{{c}}}
}

// TestCertificatesAreOfShippersAndAgents whatever they say, and only where they were verified.
func TestCertificatesAreOfShippersAndAgents(t *testing.T) {
	unverified := shown("web-1", "agent")
	unverified.VerifiedChains = nil
	for _, c := range []struct {
		state *tls.ConnectionState
		role  Role
		kind  Kind
	}{
		{nil, "", Nobody}, {&tls.ConnectionState{}, "", Nobody}, {unverified, "", Nobody},
		{shown("web-1"), Intake, WithCertificate}, {shown("web-1", "agent"), Agent, WithCertificate}, {shown("boss", "admin"), Intake, WithCertificate},
	} {
		if got := OfCertificate(c.state); got.Role != c.role || got.Kind != c.kind {
			t.Errorf("%+v", got)
		}
	}
}

// TestKeysOfShippersMayNeedACertificate where that is asked for; people's do not.
func TestKeysOfShippersMayNeedACertificate(t *testing.T) {
	w := newWorld(t)
	secrets := map[Role]string{}
	for _, role := range []Role{Intake, Agent, Analyst} {
		_, secret, err := w.keys.Create(t.Context(), Key{Name: string(role), Role: role})
		if err != nil {
			t.Fatal(err)
		}
		secrets[role] = secret
	}
	for _, required := range []bool{false, true} {
		g, _ := w.guard(0)
		g.RequireCertificate = required
		for role, secret := range secrets {
			for _, with := range []bool{false, true} {
				k := Knock{Sent: Sent{Keys: []string{secret}}, Action: "x"}
				if with {
					k.Certificate = OfCertificate(shown("web-1"))
				}
				_, err := g.Admit(k)
				var denied *DeniedError
				refused := errors.As(err, &denied) && denied.Reason == NoCertificate
				if want := required && !with && role != Analyst; refused != want || err != nil && !want {
					t.Errorf("required %t, a key of role %s, with a certificate %t: %v", required, role, with, err)
				}
			}
		}
	}
}
