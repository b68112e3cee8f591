package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	pb "nightjar/api/v1"
	"nightjar/clickhouse"
	"nightjar/testenv"
)

// TestAServerOfTheUsersServesAsWell runs the engine on a ClickHouse that it did
// not start: another embedded one, listening on loopback.
func TestAServerOfTheUsersServesAsWell(t *testing.T) {
	t.Parallel()
	testenv.RequireLibrary(t)
	server, err := clickhouse.StartEmbedded(t.Context(), clickhouse.EmbeddedConfig{
		DataDir: t.TempDir(), Loopback: true, AnalystTables: []string{"mine.events", "mine.signals"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close(context.Background())
	dsn := func(role clickhouse.Role, database string) string {
		o := server.Options(role)
		return fmt.Sprintf("clickhouse://%s:%s@%s/%s", o.Auth.Username, o.Auth.Password, server.Addr(), database)
	}
	// The analyst's database must exist before it logs in: a login to one that
	// does not takes an embedded server down.
	admin := testenv.Open(t, server.Options(clickhouse.Admin))
	if err := admin.Exec(t.Context(), "CREATE DATABASE mine"); err != nil {
		t.Fatal(err)
	}
	p := startEngineWith(t, []string{
		"NIGHTJAR_CLICKHOUSE=" + dsn(clickhouse.Admin, "mine"), "NIGHTJAR_CLICKHOUSE_ANALYST=" + dsn(clickhouse.Analyst, "mine"),
	}, "--demo", "--agent=false")
	p.await("the signals of the demo", func() bool { return len(p.signals("env:demo")) >= 5 })
	if n := p.count("SELECT count() FROM events"); n == 0 {
		t.Error("no events in the user's server")
	}
	if _, err := os.Stat(filepath.Join(p.dir, "clickhouse")); err == nil {
		t.Error("an embedded server was made beside the user's")
	}
	if secret := server.Options(clickhouse.Admin).Auth.Password; strings.Contains(p.output.String(), secret) {
		t.Error("the password is in what the engine printed")
	}
	var status struct{ ClickHouse struct{ Embedded bool } }
	p.call(http.MethodGet, "/api/nightjar/v1/status", nil, &status)
	if status.ClickHouse.Embedded {
		t.Error("the status says the server is embedded")
	}
}

// TestSignalsAreTheSameOverGRPC asks the service behind the REST API.
func TestSignalsAreTheSameOverGRPC(t *testing.T) {
	t.Parallel()
	p := startEngine(t, "--demo", "--agent=false")
	p.await("the signals of the demo", func() bool { return len(p.signals("env:demo")) >= 5 })
	conn, err := grpc.NewClient(p.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx := metadata.AppendToOutgoingContext(t.Context(), "dd-api-key", p.key)
	answer, err := pb.NewSignalServiceClient(conn).SearchSignals(ctx, &pb.SearchSignalsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Data) < 5 || !strings.Contains(answer.String(), "203.0.113.66") {
		t.Errorf("got %v, want the demo's signals", answer)
	}
	if _, err := pb.NewSignalServiceClient(conn).SearchSignals(t.Context(), &pb.SearchSignalsRequest{}); err == nil {
		t.Error("answered without a key")
	}
}
