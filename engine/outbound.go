package engine

import (
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"

	"nightjar/configuration/outbound"
)

// parseOutbound reads what requests of the engine's own may reach.
func parseOutbound(values map[string]string) (c outbound.Config, err error) {
	c.Authorities, c.Hosts = values["outbound-ca"], splitList(values["outbound-host"])
	if c.AllowPrivate, err = strconv.ParseBool(values["allow-private-targets"]); err != nil {
		return c, fmt.Errorf("allow-private-targets: want true or false, got %q", values["allow-private-targets"])
	}
	for _, text := range splitList(values["outbound-private"]) {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return c, fmt.Errorf("outbound-private: want networks such as 10.1.2.0/24, got %q", text)
		}
		c.Networks = append(c.Networks, p.Masked())
	}
	for _, text := range splitList(values["outbound-secret"]) {
		name, place, err := outbound.ParsePlace(text)
		if err != nil {
			return c, fmt.Errorf("outbound-secret: %w", err)
		}
		if c.Places == nil {
			c.Places = map[string][]outbound.Place{}
		}
		c.Places[name] = append(c.Places[name], place)
	}
	if text := values["outbound-proxy"]; text != "" {
		if c.Proxy, err = url.Parse(text); err != nil || c.Proxy.Scheme != "http" && c.Proxy.Scheme != "https" || c.Proxy.Host == "" {
			return c, fmt.Errorf("outbound-proxy: want a URL such as http://proxy:3128") // what is there may hold a password
		}
	}
	return c, nil
}

// secrets are those that configured objects refer to.
func (e *engine) secrets() outbound.Secrets {
	return outbound.Secrets{Dir: filepath.Join(e.config.DataDir, "secrets"), Places: e.config.Outbound.Places}
}

func newOutbound(e *engine) (*outbound.Client, error) { return outbound.New(e.config.Outbound) }
