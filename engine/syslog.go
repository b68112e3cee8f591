package engine

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/fx"

	"nightjar/configuration/inbound"
	"nightjar/ingest"
	"nightjar/ingest/syslog"
	"nightjar/ingest/times"
	"nightjar/schema"
)

// newSyslog listens where the configuration says. It starts after the intake and
// stops before it, so that what was read is submitted.
func newSyslog(lc fx.Lifecycle, e *engine, intake *ingest.Intake, registry *prometheus.Registry) (*syslog.Receiver, error) {
	config := e.config.Syslog
	config.Dir = filepath.Join(e.config.DataDir, "syslog")
	for _, said := range plainSyslog(config) {
		e.log.Warn(said)
	}
	receiver, err := syslog.New(config, ingest.NewHandler(intake), e.log, now)
	if err != nil {
		return nil, err
	}
	registry.MustRegister(receiver)
	e.syslog = receiver
	if config.Enabled() || receiver.Waits() {
		e.run(lc, "syslog", receiver.Run)
	}
	return receiver, nil
}

// plainSyslog tells of every listener that takes syslog in plain text from beyond loopback.
func plainSyslog(c syslog.Config) (out []string) {
	for _, l := range []struct{ protocol, address string }{{"UDP", c.UDP}, {"TCP", c.TCP}} {
		if beyond, err := inbound.BeyondLoopback(l.address); l.address != "" && err == nil && beyond {
			out = append(out, fmt.Sprintf("syslog over %s is taken in plain text beyond loopback, at %s, from %v, as syslog-allow says: it can be read and made up on the way", l.protocol, l.address, c.Allow))
		}
	}
	return out
}

// parseSyslog reads the settings of syslog.
func parseSyslog(values map[string]string) (c syslog.Config, err error) {
	c = syslog.Config{
		UDP: values["syslog-udp"], TCP: values["syslog-tcp"], TLS: values["syslog-tls"],
		Certificate: values["syslog-tls-cert"], Key: values["syslog-tls-key"], ClientCA: values["syslog-tls-client-ca"],
	}
	if c.Allow, err = syslog.ParseAllow(splitList(values["syslog-allow"])); err != nil {
		return c, fmt.Errorf("syslog-allow: %w", err)
	}
	if c.Zone, err = times.ParseZone(values["syslog-tz"]); err != nil {
		return c, fmt.Errorf("syslog-tz: %w", err)
	}
	if c.MaxConnections, err = strconv.Atoi(values["syslog-connections"]); err != nil || c.MaxConnections < 1 {
		return c, fmt.Errorf("syslog-connections: want a number from 1, got %q", values["syslog-connections"])
	}
	if c.Idle, err = schema.ParseDuration(values["syslog-idle"]); err != nil || c.Idle <= 0 {
		return c, fmt.Errorf("syslog-idle: want a time such as 1h, got %q", values["syslog-idle"])
	}
	return c, c.Check()
}
