package engine

import (
	"crypto/tls"
	"fmt"
	"strconv"

	"nightjar/api/server"
	"nightjar/configuration/inbound"
)

// parseInbound reads how the API is served.
func parseInbound(values map[string]string) (c inbound.Config, err error) {
	c = inbound.Config{
		HTTP: values["http"], GRPC: values["grpc"],
		TLS: inbound.Files{
			Setting: "tls", Certificate: values["tls-cert"], Key: values["tls-key"], ClientCA: values["tls-client-ca"], Clients: tls.VerifyClientCertIfGiven,
		},
	}
	for name, field := range map[string]*bool{"allow-plaintext": &c.Plaintext, "tls-require-client-cert": &c.Required} {
		if *field, err = strconv.ParseBool(values[name]); err != nil {
			return c, fmt.Errorf("%s: want true or false, got %q", name, values[name])
		}
	}
	return c, c.Check()
}

// serverTLS is how the API is served over TLS; nil: in plain text. How it is served is told.
func (e *engine) serverTLS() (*tls.Config, error) {
	if said, warn := e.config.Inbound.Says(); warn {
		e.log.Warn(said)
	} else {
		e.log.Info(said)
	}
	if e.config.Inbound.TLS.Certificate == "" {
		return nil, nil
	}
	certificates, err := inbound.NewCertificates(e.config.Inbound.TLS, e.log, server.OverTLS)
	if err != nil {
		return nil, err
	}
	return certificates.Server(), nil
}

// url is where the API is served.
func (e *engine) url() string {
	if e.config.Inbound.TLS.Certificate != "" {
		return "https://" + e.server.HTTPAddr().String()
	}
	return "http://" + e.server.HTTPAddr().String()
}

// trust is how a process of this host trusts the engine, which it knows by an address that
// the certificate need not be of: authorities, and the name to ask for.
func (e *engine) trust() (ca, name string, err error) {
	files := e.config.Inbound.TLS
	if files.Certificate == "" {
		return "", "", nil
	}
	name, err = files.Name()
	return files.Certificate, name, err
}
