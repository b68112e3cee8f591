package syslog

import (
	"net"
	"testing"
	"time"
)

// TestWhatTheKernelDropsIsKnown fills a socket that nobody reads.
func TestWhatTheKernelDropsIsKnown(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.UDPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	to, err := net.Dial("udp", conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	drops, read := kernelDrops{conn: conn}, uint64(0)
	if drops.since() != 0 {
		t.Error("drops before anything was sent")
	}
	const sent = 200
	for range sent {
		send(t, to, "<13>a message that takes its place")
	}
	dropped := drops.since()
	for buf := make([]byte, 1000); ; read++ {
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		if _, _, err := conn.ReadFrom(buf); err != nil {
			break
		}
	}
	if dropped == 0 || dropped+read != sent {
		t.Errorf("%d of %d dropped, and %d read", dropped, sent, read)
	}
	if n := drops.since(); n != 0 {
		t.Errorf("%d more", n)
	}
}
