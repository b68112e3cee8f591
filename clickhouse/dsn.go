package clickhouse

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

// ParseDSN reads the address of a server:
//
//	clickhouse://user:password@host:9000/database?secure=true
//
// Several hosts are separated by commas. Options of clickhouse-go follow the
// question mark. No error contains a password, not even a piece of one.
func ParseDSN(dsn string) (*ch.Options, error) {
	options, err := parseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("parse the ClickHouse address: %w (it looks like clickhouse://user:password@host:9000/database)", err)
	}
	return options, nil
}

func parseDSN(dsn string) (*ch.Options, error) {
	scheme, _, found := strings.Cut(dsn, "://")
	if !found || scheme != "clickhouse" {
		return nil, errors.New("it does not start with clickhouse://")
	}
	// The messages of url.Parse and of the driver quote what they read, and
	// where a password was mistyped that is a piece of it. So they are replaced.
	address, err := url.Parse(dsn)
	if err != nil {
		return nil, errors.New("it is not a URL: every host needs a port, and a special character in the user or password is written as %XX")
	}
	if address.Fragment != "" || strings.HasSuffix(dsn, "#") {
		return nil, errors.New("it has a #: in a user or password that is written as %23")
	}
	if strings.Count(address.Path, "/") > 1 {
		return nil, errors.New("the database has a / in its name: in a user or password that is written as %2F")
	}
	if err := checkHosts(address.Host); err != nil {
		return nil, err
	}
	if err := checkQuery(address.RawQuery); err != nil {
		return nil, err
	}
	options, err := ch.ParseDSN(dsn)
	if err != nil {
		return nil, errors.New("one of the options after the question mark has a value that cannot be read")
	}
	if options.Protocol != ch.Native {
		return nil, errors.New("nightjar speaks the native protocol (port 9000, or 9440 with secure=true)")
	}
	return options, nil
}

// checkHosts wants a host and a port for each. It quotes nothing: what stands
// in the place of a host may be the rest of a password with an @ in it.
func checkHosts(hosts string) error {
	for number, host := range strings.Split(hosts, ",") {
		name, port, err := net.SplitHostPort(host)
		if err != nil {
			return fmt.Errorf("host %d has no port", number+1)
		}
		if name == "" {
			return fmt.Errorf("host %d has no name", number+1)
		}
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("host %d has a port that is not a number from 1 to 65535", number+1)
		}
	}
	return nil
}

func checkQuery(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("what follows the question mark is not a list of options: in a user or password a question mark is written as %3F")
	}
	for _, name := range []string{"password", "username"} {
		if values.Has(name) {
			return fmt.Errorf("%s is given as an option: it belongs before the @", name)
		}
	}
	return nil
}
