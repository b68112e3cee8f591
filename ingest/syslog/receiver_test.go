package syslog

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"nightjar/ingest"
	"nightjar/ingest/ingesttest"
	"nightjar/schema"
	"nightjar/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// taker is an intake that keeps what it takes, and refuses when it is told to.
type taker struct {
	mu     sync.Mutex
	refuse error
	tries  int
	ids    map[string]bool
	events []schema.Event
}

func (t *taker) Accept(_ context.Context, id string, body []byte, decode ingest.Decode) (ingest.Taken, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tries++
	if t.refuse != nil {
		return ingest.Taken{}, t.refuse
	}
	batch, err := decode(&ingest.Decoder{Now: testNow}, body)
	if err != nil {
		return ingest.Taken{}, err
	}
	if !t.ids[id] { // as the intake does
		t.events = append(t.events, batch.Events...)
	}
	t.ids[id] = true
	return ingest.Taken{Events: len(batch.Events)}, nil
}

func (t *taker) set(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refuse = err
}

func (t *taker) messages() (out []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.events {
		out = append(out, t.events[i].Message)
	}
	return out
}

func (t *taker) count() int { return len(t.messages()) }

type running struct {
	*Receiver
	t      *testing.T
	intake *taker
	cancel context.CancelFunc
	done   chan error
}

func run(t *testing.T, config Config) *running {
	t.Helper()
	config.Linger = 10 * time.Millisecond
	r := &running{t: t, intake: &taker{ids: map[string]bool{}}, done: make(chan error, 1)}
	var err error
	if r.Receiver, err = New(config, r.intake, slog.New(slog.NewTextHandler(io.Discard, nil)), time.Now); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() { r.done <- r.Run(ctx) }()
	t.Cleanup(r.stop)
	return r
}

// stop ends it as SIGTERM does.
func (r *running) stop() {
	r.t.Helper()
	r.cancel()
	select {
	case err := <-r.done:
		if err != nil {
			r.t.Error(err)
		}
		r.done <- nil
	case <-time.After(time.Minute):
		r.t.Fatal("it does not end")
	}
}

func (r *running) address(protocol string) string {
	for _, d := range r.Report() {
		if d.Protocol == protocol {
			return d.Address
		}
	}
	r.t.Fatalf("nothing is served over %s", protocol)
	return ""
}

func (r *running) dial(protocol string) net.Conn {
	r.t.Helper()
	conn, err := net.Dial(protocol, r.address(protocol))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	return conn
}

func (r *running) door(protocol string) Door {
	for _, d := range r.Report() {
		if d.Protocol == protocol {
			return d
		}
	}
	return Door{}
}

func (r *running) await(what string, done func() bool) {
	r.t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("not %s: %+v, %d taken", what, r.Report(), r.intake.count())
		}
	}
}

func send(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
}

func TestEachDoorTakesMessagesIn(t *testing.T) {
	files := certificates(t, "one")
	config := files.config()
	config.UDP, config.TCP = "127.0.0.1:0", "127.0.0.1:0"
	r := run(t, config)
	tcp := r.dial("tcp")
	send(t, tcp, "<13>Apr  5 06:07:08 h a: one\n26 <13>Apr  5 06:07:08 h a: x")
	udp := r.dial("udp")
	send(t, udp, "<13>Apr  5 06:07:08 h a: "+strings.Repeat("u", 60_000))
	secure, err := tls.Dial("tcp", r.address("tls"), files.client(t, true))
	if err != nil {
		t.Fatal(err)
	}
	defer secure.Close()
	send(t, secure, "<13>Apr  5 06:07:08 h a: secret\n")
	r.await("all four taken", func() bool { return r.intake.count() == 4 })
	for _, e := range r.intake.events {
		if e.Host != "h" || e.Service != "a" || !strings.Contains(e.Attributes.JSON, `"peer":"127.0.0.1"`) {
			t.Errorf("%s", show(&e))
		}
		if e.Message == "secret" && !strings.Contains(e.Attributes.JSON, `"peer_certificate":"client"`) {
			t.Errorf("the certificate's name is not in %s", e.Attributes.JSON)
		}
	}
	for _, d := range r.Report() {
		if d.Messages == 0 || d.Bytes == 0 || len(d.Lost)+len(d.Refused)+len(d.Damaged) > 0 {
			t.Errorf("%+v", d)
		}
	}
}

// TestALineThatClaimsToBeTheEnginesCostsNoOther sends what anybody may have a program log, among
// the lines of others, to an intake as it is.
func TestALineThatClaimsToBeTheEnginesCostsNoOther(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	receiver, err := New(Config{TCP: "127.0.0.1:0", Linger: time.Second}, ingest.NewHandler(in.Intake), slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{Receiver: receiver, t: t, intake: &taker{}, cancel: cancel, done: make(chan error, 1)}
	go func() { r.done <- receiver.Run(ctx) }()
	t.Cleanup(r.stop)
	const head, claim = "<13>Apr  5 06:07:08 h a: ", `{"source":"nightjar-audit"}`
	send(t, r.dial("tcp"), head+"one\n"+head+claim+"\n"+head+"three\n")
	r.await("all three known of", func() bool {
		d := r.door("tcp")
		return d.Messages == 3 || len(d.Lost) > 0
	})
	var got []string
	for _, e := range in.Events() {
		got = append(got, e.Source+":"+e.Message)
	}
	if want := []string{"syslog:one", "claims-nightjar-audit:" + claim, "syslog:three"}; !slices.Equal(got, want) {
		t.Errorf("got %q of %+v, want %q", got, r.door("tcp"), want)
	}
}

// TestWhileTheIntakeRefusesStreamsWaitAndDatagramsAreCounted holds that nothing that
// came over TCP is lost or doubled meanwhile, that its sender has to wait, and that
// every datagram is either taken in or counted.
func TestWhileTheIntakeRefusesStreamsWaitAndDatagramsAreCounted(t *testing.T) {
	r := run(t, Config{TCP: "127.0.0.1:0", UDP: "127.0.0.1:0", MaxWaiting: 1 << 20, MaxDatagrams: 64 << 10, MaxMessage: 4 << 10})
	r.intake.set(&ingest.BackpressureError{Reason: "full", RetryAfter: time.Second})
	conn := r.dial("tcp")
	const streamed, datagrams = 12_000, 500
	sent := make(chan error, 1)
	go func() {
		for i := range streamed {
			if _, err := fmt.Fprintf(conn, "<13>Apr  5 06:07:08 h a: %06d %s\n", i, strings.Repeat("x", 900)); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	udp := r.dial("udp")
	for i := range datagrams {
		send(t, udp, fmt.Sprintf("<13>Apr  5 06:07:08 h u: datagram %d %s", i, strings.Repeat("x", 900)))
	}
	r.await("datagrams lost", func() bool { return r.door("udp").Lost[queueFull] > 0 })
	select {
	case err := <-sent:
		t.Fatalf("11 MB were sent while nothing is taken in: %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	if r.Lost() == 0 || r.door("tcp").Lost[queueFull] > 0 {
		t.Errorf("%+v", r.Report())
	}
	r.intake.set(nil)
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	r.await("all taken or counted", func() bool {
		udp := r.door("udp")
		return r.door("tcp").Messages == streamed && udp.Messages+udp.Lost[queueFull]+udp.Lost[inKernel] == datagrams
	})
	next := 0
	for _, m := range r.intake.messages() {
		var i int
		if _, err := fmt.Sscanf(m, "%06d x", &i); err == nil {
			if i != next {
				t.Fatalf("%d after %d", i, next-1)
			}
			next++
		}
	}
	if next != streamed {
		t.Errorf("%d of %d", next, streamed)
	}
}

// TestARefusedBatchIsSentAgainUnderItsId holds that a batch whose first time was
// taken, but not answered, is not there twice.
func TestARefusedBatchIsSentAgainUnderItsId(t *testing.T) {
	r := run(t, Config{TCP: "127.0.0.1:0"})
	r.intake.set(&ingest.UnavailableError{RetryAfter: time.Second, Err: errors.New("disk")})
	send(t, r.dial("tcp"), "<13>Apr  5 06:07:08 h a: once\n")
	r.await("tried twice", func() bool { r.intake.mu.Lock(); defer r.intake.mu.Unlock(); return r.intake.tries > 1 })
	r.intake.set(nil)
	r.await("taken", func() bool { return r.intake.count() > 0 })
	if got := r.intake.messages(); len(got) != 1 || len(r.intake.ids) != 1 {
		t.Errorf("%v under %v", got, r.intake.ids)
	}
}

func TestWhatReachedTheSocketsIsSubmittedBeforeTheEnd(t *testing.T) {
	r := run(t, Config{TCP: "127.0.0.1:0", UDP: "127.0.0.1:0"})
	conn, udp := r.dial("tcp"), r.dial("udp")
	send(t, conn, "<13>Apr  5 06:07:08 h a: first\n")
	r.await("connected", func() bool { return r.intake.count() == 1 })
	r.intake.set(&ingest.BackpressureError{Reason: "full"})
	for i := range 200 {
		send(t, conn, fmt.Sprintf("<13>Apr  5 06:07:08 h a: %d\n", i))
		send(t, udp, fmt.Sprintf("<13>Apr  5 06:07:08 h u: %d\n", i))
	}
	send(t, conn, "<13>Apr  5 06:07:08 h a: half")
	time.AfterFunc(300*time.Millisecond, func() { r.intake.set(nil) })
	r.stop()
	if n := r.intake.count(); n != 402 {
		t.Errorf("%d messages of 402: %+v", n, r.Report())
	}
	if got := r.door("tcp").Damaged; got[cutOff] != 1 {
		t.Errorf("the half message is not counted: %v", got)
	}
}

// TestWhoWaitsToBeLetInIsReadBeforeTheEnd stops a receiver to which senders have connected,
// and before it has let in any.
func TestWhoWaitsToBeLetInIsReadBeforeTheEnd(t *testing.T) {
	intake := &taker{ids: map[string]bool{}}
	r, err := New(Config{TCP: "127.0.0.1:0", Linger: 10 * time.Millisecond}, intake, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		conn, err := net.Dial("tcp", r.Report()[0].Address)
		if err != nil {
			t.Fatal(err)
		}
		send(t, conn, fmt.Sprintf("<13>%d a\n<13>%d b\n", i, i))
		conn.Close()
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Run(ended); err != nil {
		t.Error(err)
	}
	if n := intake.count(); n != 100 {
		t.Errorf("%d messages of 100: %+v", n, r.Report())
	}
}

// TestWhoConnectsInTheMomentOfTheStopIsReadOrRefused has senders that come again and again
// until they are refused: what was sent on a connection that stood has come.
func TestWhoConnectsInTheMomentOfTheStopIsReadOrRefused(t *testing.T) {
	for range 3 {
		r := run(t, Config{TCP: "127.0.0.1:0", MaxConnections: 10_000})
		address, counts := r.address("tcp"), make(chan int)
		for range 8 {
			go func() {
				n := 0
				defer func() { counts <- n }()
				for {
					conn, err := net.Dial("tcp", address)
					if err != nil {
						return
					}
					if _, err := io.WriteString(conn, "<13>here\n"); err == nil {
						n++
					}
					conn.Close()
					time.Sleep(time.Millisecond) // no more of them than are accepted
				}
			}()
		}
		for r.intake.count() == 0 {
			time.Sleep(time.Millisecond)
		}
		r.stop()
		sent := 0
		for range 8 {
			sent += <-counts
		}
		if came := r.intake.count(); came != sent {
			t.Fatalf("%d were sent, %d came: %+v", sent, came, r.Report())
		}
	}
}

func TestWhatAStopCannotSubmitIsCounted(t *testing.T) {
	r := run(t, Config{TCP: "127.0.0.1:0", Grace: 200 * time.Millisecond})
	r.intake.set(&ingest.BackpressureError{Reason: "full"})
	send(t, r.dial("tcp"), "<13>a\n<13>b\n")
	r.await("read", func() bool { r.intake.mu.Lock(); defer r.intake.mu.Unlock(); return r.intake.tries > 0 })
	r.stop()
	if got := r.door("tcp").Lost[stopping]; got != 2 {
		t.Errorf("%+v", r.Report())
	}
}

// TestWhatAStopCannotSubmitComesAtTheNextStart holds that nothing is lost or there
// twice, when the intake refuses until the end, or has taken a batch without an answer.
func TestWhatAStopCannotSubmitComesAtTheNextStart(t *testing.T) {
	config := Config{TCP: "127.0.0.1:0", UDP: "127.0.0.1:0", Grace: 200 * time.Millisecond, Dir: filepath.Join(t.TempDir(), "new")}
	r := run(t, config)
	r.intake.set(&ingest.BackpressureError{Reason: "full"})
	send(t, r.dial("tcp"), "<13>tcp\x01\n<13>second\n<13>half")
	send(t, r.dial("udp"), "<13>udp")
	r.await("read", func() bool { r.intake.mu.Lock(); defer r.intake.mu.Unlock(); return r.intake.tries > 1 })
	r.stop()
	if r.Lost() != 0 || !r.Waits() {
		t.Errorf("%+v", r.Report())
	}
	config.UDP = ""
	again := run(t, config)
	again.await("four", func() bool { return again.intake.count() == 4 })
	again.await("nothing waits", func() bool { return !again.Waits() })
	again.stop()
	got := again.intake.messages()
	slices.Sort(got)
	if diff := cmp.Diff([]string{"half", "second", "tcp\x01", "udp"}, got); diff != "" {
		t.Error(diff)
	}
	if e := again.intake.events; !strings.Contains(e[0].Attributes.JSON, `"peer":"127.0.0.1"`) {
		t.Errorf("%s", show(&e[0]))
	}

	if err := os.WriteFile(filepath.Join(config.Dir, "unsent.jsonl"), []byte("{\"ID\":\"x\",\"Mess"), 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := run(t, config)
	damaged.await("put aside", func() bool { return !damaged.Waits() })
	if _, err := os.Stat(filepath.Join(config.Dir, "unsent.jsonl.damaged")); err != nil {
		t.Error(err)
	}
}

func TestWhoMayNotSendIsRefusedAndCounted(t *testing.T) {
	r := run(t, Config{TCP: "127.0.0.1:0", UDP: "127.0.0.1:0", Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	conn := r.dial("tcp")
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection stays open")
	}
	send(t, r.dial("udp"), "<13>x")
	r.await("counted", func() bool {
		return r.door("tcp").Refused[notAllowed] == 1 && r.door("udp").Refused[notAllowed] == 1
	})
	if n := r.intake.count(); n != 0 {
		t.Errorf("%d messages were taken", n)
	}
}

func TestConnectionsHaveLimits(t *testing.T) {
	r := run(t, Config{TCP: "127.0.0.1:0", MaxConnections: 2, Idle: 100 * time.Millisecond, Stall: 100 * time.Millisecond})
	quiet, half := r.dial("tcp"), r.dial("tcp")
	send(t, half, "<13>half a mess")
	r.await("two", func() bool { return r.door("tcp").Connections == 2 || r.door("tcp").Closed[idle] > 0 })
	third := r.dial("tcp")
	for _, conn := range []net.Conn{quiet, half, third} {
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("a connection stays open")
		}
	}
	r.await("counted", func() bool {
		d := r.door("tcp")
		return d.Connections == 0 && d.Closed[stalled] == 1 && d.Damaged[cutOff] == 1 && d.Closed[idle]+d.Refused[tooManyConnections] == 2
	})
	if got := r.intake.messages(); cmp.Diff([]string{"half a mess"}, got) != "" {
		t.Error(got)
	}
}

func TestALongMessageIsCutAndALongerOneTakesNoMoreMemory(t *testing.T) {
	r := run(t, Config{TCP: "127.0.0.1:0"})
	conn := r.dial("tcp")
	big := strings.Repeat("x", 1<<20-100)
	fmt.Fprintf(conn, "<13>Apr  5 06:07:08 h a: %s\n", big)
	_, err := io.CopyN(io.MultiWriter(conn), endless{}, 50<<20)
	if err != nil {
		t.Fatal(err)
	}
	send(t, conn, "\n<13>Apr  5 06:07:08 h a: after\n")
	r.await("three", func() bool { return r.intake.count() == 3 })
	got := r.intake.messages()
	if got[0] != big || got[2] != "after" || len(got[1]) > ingest.MaxEventBytes {
		t.Errorf("%d, %d and %q", len(got[0]), len(got[1]), got[2])
	}
	if d := r.door("tcp"); d.Damaged[tooLong] != 1 {
		t.Errorf("%+v", d)
	}
}

// TestPartsOfMessagesHaveABound holds that senders which never end their messages
// take no more than what they have together.
func TestPartsOfMessagesHaveABound(t *testing.T) {
	r := run(t, Config{TCP: "127.0.0.1:0", MaxWaiting: 1 << 20, Stall: 200 * time.Millisecond, MaxMessage: 512 << 10})
	var all sync.WaitGroup
	for range 8 {
		conn := r.dial("tcp")
		all.Go(func() { _, _ = io.CopyN(conn, endless{}, 400<<10) }) // some are closed
	}
	all.Wait()
	r.await("all ended", func() bool { return r.door("tcp").Connections == 0 })
	d := r.door("tcp")
	if d.Closed[noMemory] == 0 || d.Closed[noMemory]+d.Closed[stalled] != 8 {
		t.Errorf("%+v", d)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return copy(b, bytes.Repeat([]byte("y"), len(b))), nil }

func TestOnlyCertifiedSendersSpeakTLSAndCertificatesAreReadAnew(t *testing.T) {
	files := certificates(t, "one")
	r := run(t, files.config())
	says := func(config *tls.Config) (name string, err error) {
		conn, err := tls.Dial("tcp", r.address("tls"), config)
		if err != nil {
			return "", err
		}
		defer conn.Close()
		send(t, conn, "<13>x\n")
		if err := conn.CloseWrite(); err != nil {
			return "", err
		}
		_, err = conn.Read(make([]byte, 1)) // TLS 1.3 tells a refusal only now
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName, err
	}
	if name, err := says(files.client(t, true)); err != nil || name != "one" {
		t.Error(name, err)
	}
	if _, err := says(files.client(t, false)); err == nil {
		t.Error("a sender without a certificate was let in")
	}
	r.await("counted", func() bool { return r.door("tls").Refused[tlsFailed] == 1 })

	files.write(t, "two")
	if name, err := says(files.client(t, true)); err != nil || name != "two" {
		t.Errorf("after a change: %s %v", name, err)
	}
	if err := os.WriteFile(files.cert, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if name, err := says(files.client(t, true)); err != nil || name != "two" {
		t.Errorf("with a broken file: %s %v", name, err)
	}
	if n := r.intake.count(); n != 3 {
		r.await("three messages", func() bool { return r.intake.count() == 3 })
	}
}

func TestNothingIsOpenToEverybody(t *testing.T) {
	files := certificates(t, "one")
	certified := files.config()
	certified.TLS = "0.0.0.0:0"
	open := certified
	open.ClientCA = ""
	for name, c := range map[string]struct {
		config Config
		says   string
	}{
		"loopback":         {Config{UDP: "127.0.0.1:0", TCP: "[::1]:0"}, ""},
		"everywhere":       {Config{UDP: ":5514"}, "syslog-udp: :5514 is beyond loopback"},
		"an address":       {Config{TCP: "192.0.2.1:5514"}, "syslog-tcp: 192.0.2.1:5514 is beyond loopback"},
		"a name":           {Config{TCP: "logs.example:5514"}, "beyond loopback"},
		"allowed":          {Config{TCP: "0.0.0.0:0", Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, ""},
		"certified":        {certified, ""},
		"TLS for all":      {open, "syslog-tls: 0.0.0.0:0 is beyond loopback"},
		"no port":          {Config{TCP: "127.0.0.1"}, "want an address such as"},
		"no certificate":   {Config{TLS: "127.0.0.1:0"}, "needs syslog-tls-cert"},
		"files for no TLS": {Config{TCP: "127.0.0.1:0", Certificate: "x"}, "which is not set"},
		"a missing file":   {Config{TLS: "127.0.0.1:0", Certificate: "/no/file", Key: "/no/file"}, "/no/file"},
	} {
		err := c.config.Check()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParseAllow([]string{"10.0.0.0/8,::/0", "192.0.2.1"}); err != nil {
		t.Error(err)
	}
	if _, err := ParseAllow([]string{"everybody"}); err == nil {
		t.Error("everybody is no network")
	}
}

// files are those of a server, and of the authority of its certificate and of its
// senders'.
type files struct {
	cert, key string
	authority *testenv.Authority
}

func certificates(t *testing.T, name string) *files {
	t.Helper()
	dir := t.TempDir()
	f := &files{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), authority: testenv.NewAuthority(t, dir)}
	f.write(t, name)
	return f
}

func (f *files) config() Config {
	return Config{TLS: "127.0.0.1:0", Certificate: f.cert, Key: f.key, ClientCA: f.authority.CA}
}

// write replaces the server's certificate.
func (f *files) write(t *testing.T, name string) { f.authority.Issue(t, name, f.cert, f.key) }

func (f *files) client(t *testing.T, certified bool) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(f.authority.CA)
	if err != nil {
		t.Fatal(err)
	}
	c := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "127.0.0.1"}
	c.RootCAs.AppendCertsFromPEM(text)
	if certified {
		dir := t.TempDir()
		cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
		f.authority.Issue(t, "client", cert, key)
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c
}
