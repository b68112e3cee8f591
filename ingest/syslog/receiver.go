package syslog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"nightjar/configuration/inbound"
	"nightjar/ingest"
)

// Intake takes events in. It is declared here because this is the package that
// calls it; ingest.Handler implements it.
type Intake interface {
	Accept(ctx context.Context, id string, body []byte, decode ingest.Decode) (ingest.Taken, error)
}

// Receiver listens for syslog.
type Receiver struct {
	config Config
	intake Intake
	log    *slog.Logger
	now    func() time.Time

	doors     []*door
	listeners []listener
	packets   net.PacketConn // nil: none
	datagrams *door

	streams, packetQueue *queue
	resumed              *queue // of what an earlier stop left; it has no room of its own
	unsent               *unsent
	parts                *semaphore.Weighted // bytes of messages that are not whole yet
}

type listener struct {
	*net.TCPListener
	door *door
	tls  *tls.Config // nil: none
}

// New listens at the addresses of the configuration, and serves nobody before Run.
func New(config Config, intake Intake, log *slog.Logger, now func() time.Time) (*Receiver, error) {
	r := &Receiver{config: config.withDefaults(), intake: intake, log: log, now: now}
	r.streams, r.packetQueue = newQueue(r, r.config.MaxWaiting), newQueue(r, r.config.MaxDatagrams)
	r.resumed, r.unsent = newQueue(r, 0), newUnsent(config.Dir)
	r.parts = semaphore.NewWeighted(r.config.MaxWaiting)
	if err := config.Check(); err != nil {
		return nil, err
	}
	if err := r.listen(); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *Receiver) listen() error {
	if r.config.UDP != "" {
		conn, err := net.ListenPacket("udp", r.config.UDP)
		if err != nil {
			return fmt.Errorf("syslog-udp: %w", err)
		}
		r.packets, r.datagrams = conn, r.door("udp", conn.LocalAddr())
		enlarge(conn, r.log)
	}
	if err := r.listenStream("tcp", r.config.TCP, nil); err != nil {
		return err
	}
	if r.config.TLS == "" {
		return nil
	}
	certificates, err := inbound.NewCertificates(r.config.files(), r.log, quiet)
	if err != nil {
		return err
	}
	return r.listenStream("tls", r.config.TLS, certificates.Server())
}

// quiet has nothing written to senders but the handshake: many never read, and see the end
// of a connection only when nothing stands before it.
func quiet(c *tls.Config) { c.SessionTicketsDisabled = true }

func (r *Receiver) listenStream(protocol, address string, secure *tls.Config) error {
	if address == "" {
		return nil
	}
	plain := net.ListenConfig{}
	plain.SetMultipathTCP(false) // it takes no filter: see letNobodyKnock
	l, err := plain.Listen(context.Background(), "tcp", address)
	if err != nil {
		return fmt.Errorf("syslog-%s: %w", protocol, err)
	}
	r.listeners = append(r.listeners, listener{l.(*net.TCPListener), r.door(protocol, l.Addr()), secure})
	return nil
}

func (r *Receiver) door(protocol string, address net.Addr) *door {
	d := newDoor(protocol, address.String(), r.log, r.now)
	r.doors = append(r.doors, d)
	return d
}

func (r *Receiver) close() {
	for _, l := range r.listeners {
		_ = l.Close() // nobody is served any more
	}
	if r.packets != nil {
		_ = r.packets.Close()
	}
}

// Run serves until ctx ends; then what has reached the sockets is read and
// submitted. It fails when an address can't be served any more.
func (r *Receiver) Run(ctx context.Context) error {
	submitting, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	var readers, submitters sync.WaitGroup
	for _, q := range []*queue{r.streams, r.packetQueue} {
		submitters.Go(func() { q.run(submitting) })
	}
	failed := make(chan error, len(r.doors))
	serving, stop := context.WithCancel(ctx)
	defer stop()
	readers.Go(func() { r.resume(serving) })
	for _, l := range r.listeners {
		readers.Go(func() { failed <- r.accept(serving, l) })
	}
	if r.packets != nil {
		readers.Go(func() { failed <- r.receive(serving) })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	stop()
	for _, l := range r.listeners {
		_ = l.SetDeadline(time.Now()) // see accept
	}
	// Readers that wait for room in a queue get it when its batches are lost.
	timer := time.AfterFunc(r.config.Grace, giveUp)
	defer timer.Stop()
	readers.Wait()
	close(r.streams.messages)
	close(r.packetQueue.messages)
	submitters.Wait()
	r.unsent.close()
	r.close()
	return err
}

// isClosed tells the end that we made ourselves.
func isClosed(err error) bool { return errors.Is(err, net.ErrClosed) }
