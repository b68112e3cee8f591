package engine

import (
	"crypto/tls"
	"fmt"
	"strconv"

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
