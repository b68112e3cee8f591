package clickhouse_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"go.uber.org/goleak"

	"nightjar/clickhouse"
	"nightjar/testenv"
)

// start runs a server of this test's own.
func start(t *testing.T, cfg clickhouse.EmbeddedConfig) *clickhouse.Embedded {
	t.Helper()
	testenv.RequireLibrary(t)
	if cfg.DataDir == "" {
		cfg.DataDir = t.TempDir()
	}
	server, err := clickhouse.StartEmbedded(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, server) })
	return server
}

func stop(t *testing.T, server *clickhouse.Embedded) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := server.Close(ctx); err != nil {
		t.Error(err)
	}
}

func one[T any](t *testing.T, conn driver.Conn, query string) T {
	t.Helper()
	var value T
	if err := conn.QueryRow(t.Context(), query).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

// alive tells a running process from none and from one that nobody has waited
// for yet.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !bytes.Contains(stat, []byte(") Z "))
}

// eventually waits for what is soon on a machine that does nothing else.
func eventually(t *testing.T, within time.Duration, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within + 2*time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

func TestServerKeepsItsDataOverARestartAndLeavesNothingBehind(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	dir := t.TempDir()
	for run := range uint64(2) {
		began := time.Now()
		server := start(t, clickhouse.EmbeddedConfig{DataDir: dir})
		t.Logf("started in %v, confined %v, private network %v", time.Since(began).Round(time.Millisecond), server.Confined(), server.Private())
		conn := testenv.Open(t, server.Options(clickhouse.Admin))
		if err := conn.Exec(t.Context(), "CREATE TABLE IF NOT EXISTS kept (n UInt64) ENGINE = MergeTree ORDER BY n"); err != nil {
			t.Fatal(err)
		}
		if got := one[uint64](t, conn, "SELECT count() FROM kept"); got != run {
			t.Errorf("run %d found %d rows", run, got)
		}
		if err := conn.Exec(t.Context(), "INSERT INTO kept VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		pid := server.Pid()
		began = time.Now()
		stop(t, server)
		t.Logf("stopped in %v", time.Since(began).Round(time.Millisecond))
		if alive(pid) {
			t.Errorf("process %d outlived Close", pid)
		}
		if _, err := server.Dial(t.Context()); err == nil {
			t.Error("a closed server was dialled")
		}
	}
	goleak.VerifyNone(t, leaks)
}

// parent starts this test binary as a program of its own with a server on dir.
func parent(t *testing.T, dir string) (*exec.Cmd, int) {
	t.Helper()
	testenv.RequireLibrary(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), parentEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	var server int
	if _, scan := fmt.Sscanf(line, "ready %d", &server); scan != nil {
		t.Fatalf("the program says %q, %v", line, err)
	}
	return cmd, server
}

func TestServerDiesWithAKilledParentAndLosesNothing(t *testing.T) {
	dir := t.TempDir()
	for run := range uint64(2) {
		program, pid := parent(t, dir)
		if !alive(pid) {
			t.Fatalf("server %d is not running", pid)
		}
		if run == 0 {
			program.Process.Kill()
			program.Wait()
			// The second program starts at once: it has to wait for the server.
			continue
		}
		program.Process.Kill()
		program.Wait()
		eventually(t, 15*time.Second, "the server ends", func() bool { return clickhouse.ServerEnded(dir) && !alive(pid) })
	}
	server := start(t, clickhouse.EmbeddedConfig{DataDir: dir})
	conn := testenv.Open(t, server.Options(clickhouse.Admin))
	if got := one[uint64](t, conn, "SELECT count() FROM kept"); got != 2000 {
		t.Errorf("%d rows of the 2000 acknowledged", got)
	}
}

func TestKilledServerIsStartedAgain(t *testing.T) {
	for _, loopback := range []bool{false, true} {
		t.Run(fmt.Sprintf("loopback=%v", loopback), func(t *testing.T) {
			server := start(t, clickhouse.EmbeddedConfig{Loopback: loopback})
			if loopback && server.Private() {
				t.Fatal("the server has a network of its own")
			}
			conn := testenv.Open(t, server.Options(clickhouse.Admin))
			if err := conn.Exec(t.Context(), "CREATE TABLE kept (n UInt64) ENGINE = MergeTree ORDER BY n"); err != nil {
				t.Fatal(err)
			}
			addr := server.Addr()
			for kill := 1; kill <= 2; kill++ {
				if err := conn.Exec(t.Context(), "INSERT INTO kept VALUES (1)"); err != nil {
					t.Fatal(err)
				}
				before := server.Pid()
				syscall.Kill(before, syscall.SIGKILL)
				began := time.Now()
				eventually(t, 10*time.Second, "the server is another", func() bool { return server.Restarts() == kill })
				t.Logf("up again after %v", time.Since(began).Round(time.Millisecond))
				if server.Pid() == before || server.Addr() != addr {
					t.Errorf("pid %d, then %d; address %s, then %s", before, server.Pid(), addr, server.Addr())
				}
				// The pool that was open before the crash serves on by itself.
				if got := one[uint64](t, conn, "SELECT count() FROM kept"); got != uint64(kill) {
					t.Errorf("%d rows after %d inserts", got, kill)
				}
			}
		})
	}
}

func TestServerThatCannotStartSaysWhy(t *testing.T) {
	testenv.RequireLibrary(t)
	dir := t.TempDir()
	// A folder where the server writes its process id.
	if err := os.MkdirAll(filepath.Join(dir, "clickhouse", "data", "status"), 0o700); err != nil {
		t.Fatal(err)
	}
	server, err := clickhouse.StartEmbedded(t.Context(), clickhouse.EmbeddedConfig{DataDir: dir, StartTimeout: 10 * time.Second})
	if err == nil {
		stop(t, server)
		t.Fatal("it started")
	}
	if !strings.Contains(err.Error(), "status") || !strings.Contains(err.Error(), "console.log") {
		t.Errorf("the error does not say what the server said: %v", err)
	}
}

// TestServerThatIsTakenApartIsWaitedFor holds the lock of the server itself, as the kernel
// does for a moment after it has let go of ours.
func TestServerThatIsTakenApartIsWaitedFor(t *testing.T) {
	testenv.RequireLibrary(t)
	dir := t.TempDir()
	data := filepath.Join(dir, "clickhouse", "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	held, err := os.Create(filepath.Join(data, "status"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(3*time.Second, func() { held.Close() })
	server, err := clickhouse.StartEmbedded(t.Context(), clickhouse.EmbeddedConfig{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	stop(t, server)
}

func TestNoLibraryIsOneSentence(t *testing.T) {
	_, err := clickhouse.StartEmbedded(t.Context(), clickhouse.EmbeddedConfig{DataDir: t.TempDir(), Library: "/nowhere/libchdb.so"})
	if err == nil || !strings.Contains(err.Error(), "/nowhere/libchdb.so") {
		t.Error(err)
	}
	text := filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.WriteFile(text, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = clickhouse.StartEmbedded(t.Context(), clickhouse.EmbeddedConfig{DataDir: t.TempDir(), Library: text})
	if err == nil || !strings.Contains(err.Error(), "load "+text) {
		t.Error(err)
	}
}

func TestSecondEngineIsRefused(t *testing.T) {
	dir := t.TempDir()
	release, err := clickhouse.LockDataDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = clickhouse.LockDataDir(dir)
	want := fmt.Sprintf("data folder %s is in use by another nightjar (pid %d)", dir, os.Getpid())
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}

	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), parentEnv+"="+dir)
	out, err := cmd.Output()
	if err == nil || strings.TrimSpace(string(out)) != want {
		t.Errorf("another process got %q, %v", out, err)
	}

	release()
	release, err = clickhouse.LockDataDir(dir)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	release()
}

func TestServerHoldsNoSecret(t *testing.T) {
	t.Setenv("NIGHTJAR_API_KEY", "a-key-of-the-engine")
	dir := t.TempDir()
	server := start(t, clickhouse.EmbeddedConfig{DataDir: dir})
	secrets := []string{"a-key-of-the-engine"}
	for _, role := range []clickhouse.Role{clickhouse.Admin, clickhouse.Analyst} {
		secrets = append(secrets, server.Options(role).Auth.Password)
	}
	conn := testenv.Open(t, server.Options(clickhouse.Admin))
	one[string](t, conn, "SELECT version()")

	places := []string{fmt.Sprintf("/proc/%d/environ", server.Pid()), fmt.Sprintf("/proc/%d/cmdline", server.Pid())}
	filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			places = append(places, path)
		}
		return nil
	})
	if len(places) < 6 {
		t.Fatalf("only looked into %v", places)
	}
	for _, place := range places {
		text, err := os.ReadFile(place)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range secrets {
			if len(secret) < 16 || bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s holds %q", place, secret)
			}
		}
	}
}

// libchdb ends its whole process when a connection fails to log in, which is one
// reason why nobody but Dial reaches the server. It has to come back from that.
func TestWrongPasswordIsRefused(t *testing.T) {
	server := start(t, clickhouse.EmbeddedConfig{})
	options := server.Options(clickhouse.Admin)
	options.Auth.Password = "wrong"
	conn, err := clickhouse.Open(t.Context(), options)
	if err == nil {
		conn.Close()
		t.Fatal("it was let in")
	}
	var said *ch.Exception
	if !errors.As(err, &said) || said.Code != 516 || strings.Contains(err.Error(), "wrong") {
		t.Error(err)
	}
	// The server says for a while that it is shutting down, and then is another.
	right := testenv.Open(t, server.Options(clickhouse.Admin))
	eventually(t, 20*time.Second, "the right password is let in", func() bool { return right.Ping(t.Context()) == nil })
}

func TestInterruptedQueriesDoNotHurtTheServer(t *testing.T) {
	server := start(t, clickhouse.EmbeddedConfig{})
	conn := testenv.Open(t, server.Options(clickhouse.Admin))
	pid := server.Pid()
	var wait sync.WaitGroup
	for worker := range 8 {
		wait.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for range 40 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(20_000))*time.Microsecond)
				rows, err := conn.Query(ctx, "SELECT number, repeat('x', 100) FROM numbers(10000000)")
				if err == nil {
					for i := 0; rows.Next() && i < 1000; i++ {
					}
					rows.Close()
				}
				cancel()
				if raw, err := server.Dial(t.Context()); err == nil { // and callers who hang up
					raw.Close()
				}
			}
		})
	}
	wait.Wait()
	if got := one[string](t, conn, "SELECT 'well'"); got != "well" || server.Pid() != pid {
		t.Errorf("%q, %d restarts", got, server.Restarts())
	}
}

// A stopped process holds the folder, and no signal but SIGKILL ends it.
func TestStuckServerOfAKilledParentIsEnded(t *testing.T) {
	t.Cleanup(clickhouse.SetLeftoverTime(500 * time.Millisecond))
	dir := t.TempDir()
	program, pid := parent(t, dir)
	syscall.Kill(pid, syscall.SIGSTOP)
	program.Process.Kill()
	program.Wait()
	server := start(t, clickhouse.EmbeddedConfig{DataDir: dir})
	if alive(pid) {
		t.Errorf("server %d is still there", pid)
	}
	conn := testenv.Open(t, server.Options(clickhouse.Admin))
	if got := one[uint64](t, conn, "SELECT count() FROM kept"); got != 1000 {
		t.Errorf("%d rows of the 1000 acknowledged", got)
	}
}

// The process that the lock names may be anybody by now.
func TestProcessOfSomebodyElseIsNotEnded(t *testing.T) {
	t.Cleanup(clickhouse.SetLeftoverTime(100 * time.Millisecond))
	dir := t.TempDir()
	server := start(t, clickhouse.EmbeddedConfig{DataDir: dir})
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Process.Kill(); other.Wait() })
	if err := os.WriteFile(filepath.Join(dir, "clickhouse", "lock"), fmt.Appendln(nil, other.Process.Pid), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := clickhouse.StartEmbedded(t.Context(), clickhouse.EmbeddedConfig{DataDir: dir})
	if err == nil || !strings.Contains(err.Error(), "is not a server of ours") {
		t.Error(err)
	}
	if !alive(other.Process.Pid) || !alive(server.Pid()) {
		t.Error("a process was ended")
	}
}

// A process that was ended is there until its parent asks for it, with nothing that it could be known by.
func TestAServerThatWasJustEndedIsWaitedFor(t *testing.T) {
	t.Cleanup(clickhouse.SetLeftoverTime(50 * time.Millisecond))
	dir := t.TempDir()
	start(t, clickhouse.EmbeddedConfig{DataDir: dir})
	ended := exec.Command("sleep", "60")
	if err := ended.Start(); err != nil {
		t.Fatal(err)
	}
	ended.Process.Kill()
	t.Cleanup(func() { ended.Wait() })
	status := fmt.Sprintf("/proc/%d/cmdline", ended.Process.Pid)
	eventually(t, 20*time.Second, "the process has ended", func() bool { line, err := os.ReadFile(status); return err == nil && len(line) == 0 })
	if err := os.WriteFile(filepath.Join(dir, "clickhouse", "lock"), fmt.Appendln(nil, ended.Process.Pid), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := clickhouse.StartEmbedded(ctx, clickhouse.EmbeddedConfig{DataDir: dir})
	if err == nil || !strings.Contains(err.Error(), "wait for the previous server") {
		t.Error(err)
	}
}

// Without this, a test binary that forgot RunChild would run its tests again in
// every child, and so on.
func TestProgramWithoutRunChildStartsNothing(t *testing.T) {
	t.Cleanup(clickhouse.ForgetRunChild())
	_, err := clickhouse.StartEmbedded(t.Context(), clickhouse.EmbeddedConfig{DataDir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "RunChild") {
		t.Error(err)
	}
}

// Seven quick deaths, and starts that fail, end nothing.
func TestServerThatKeepsDyingIsStartedAgainEveryTime(t *testing.T) {
	dir := t.TempDir()
	server := start(t, clickhouse.EmbeddedConfig{DataDir: dir, StartTimeout: 20 * time.Second})
	conn := testenv.Open(t, server.Options(clickhouse.Admin))
	for death := 1; death <= 7; death++ {
		syscall.Kill(server.Pid(), syscall.SIGKILL)
		eventually(t, 60*time.Second, "the server is another", func() bool { return server.Restarts() == death })
	}
	// A folder where the server writes its process id: no start works.
	status := filepath.Join(dir, "clickhouse", "data", "status")
	syscall.Kill(server.Pid(), syscall.SIGKILL)
	if err := os.Remove(status); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if err := os.Mkdir(status, 0o700); err != nil {
		t.Fatal(err)
	}
	eventually(t, 60*time.Second, "it says that it does not start", func() bool {
		err := server.Err()
		return err != nil && strings.Contains(err.Error(), "does not start")
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := server.Dial(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who dials does not wait for it: %v", err)
	}
	if err := os.Remove(status); err != nil {
		t.Fatal(err)
	}
	eventually(t, 60*time.Second, "it is up again", func() bool { return server.Err() == nil })
	if got := one[uint64](t, conn, "SELECT 1::UInt64"); got != 1 {
		t.Error(got)
	}
}

func TestServerThatHangsIsReplaced(t *testing.T) {
	server := start(t, clickhouse.EmbeddedConfig{HangTime: 3 * time.Second})
	conn := testenv.Open(t, server.Options(clickhouse.Admin))
	pid := server.Pid()
	syscall.Kill(pid, syscall.SIGSTOP)
	eventually(t, 60*time.Second, "the server is another", func() bool { return server.Restarts() == 1 && server.Err() == nil })
	if got := one[uint64](t, conn, "SELECT 1::UInt64"); got != 1 || alive(pid) {
		t.Errorf("%d; the hung one is there: %v", got, alive(pid))
	}
}
