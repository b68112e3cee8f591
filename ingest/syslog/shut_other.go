//go:build !linux

package syslog

import (
	"errors"
	"net"
)

func letNobodyKnock(*net.TCPListener) error { return errors.ErrUnsupported }
