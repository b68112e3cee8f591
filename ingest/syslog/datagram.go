package syslog

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"slices"
	"time"
)

// maxDatagram is more than a datagram can be.
const maxDatagram = 64 << 10

// socketBuffer is asked of the kernel, which may give less.
const socketBuffer = 8 << 20

func enlarge(conn net.PacketConn, log *slog.Logger) {
	if c, ok := conn.(*net.UDPConn); ok {
		if err := c.SetReadBuffer(socketBuffer); err != nil {
			log.Warn("syslog: the kernel's buffer for datagrams stays as it is", "error", err)
		}
	}
}

// watchKernel is how often the kernel is asked what it dropped.
const watchKernel = 5 * time.Second

// lastDatagrams is how long is read what has reached the socket when the engine stops.
const lastDatagrams = 300 * time.Millisecond

// receive reads datagrams until ctx ends, and then those that have arrived.
func (r *Receiver) receive(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = r.packets.SetReadDeadline(time.Now().Add(lastDatagrams)) })
	defer stop()
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	drops := kernelDrops{conn: r.packets}
	go r.watch(watching, &drops)
	defer func() { r.countDrops(&drops) }()
	buf := make([]byte, maxDatagram)
	for {
		n, from, err := r.packets.ReadFrom(buf)
		switch {
		case err == nil:
			r.datagram(buf[:n], from)
		case ctx.Err() != nil && errors.Is(err, os.ErrDeadlineExceeded), isClosed(err):
			return nil
		default:
			r.datagrams.note(refused, "receive", "", err) // of this datagram; the socket goes on
			time.Sleep(time.Millisecond)
		}
	}
}

func (r *Receiver) datagram(text []byte, from net.Addr) {
	peer := addressOf(from)
	if !r.config.allows(peer) {
		r.datagrams.note(refused, notAllowed, peer.String(), nil)
		return
	}
	if text = trim(text); len(text) == 0 {
		return
	}
	m := message{text: slices.Clone(text), from: sender{address: peer.String()}, door: r.datagrams}
	if !r.packetQueue.offer(m) {
		r.datagrams.note(lost, queueFull, peer.String(), nil)
	}
}

func (r *Receiver) watch(ctx context.Context, drops *kernelDrops) {
	tick := time.NewTicker(watchKernel)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.countDrops(drops)
		case <-ctx.Done():
			return
		}
	}
}

func (r *Receiver) countDrops(drops *kernelDrops) {
	if n := drops.since(); n > 0 {
		r.datagrams.add(lost, inKernel, n, "", nil)
	}
}
