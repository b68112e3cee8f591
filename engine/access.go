package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/fx"

	"nightjar/api/access"
	"nightjar/api/access/audit"
	accessstore "nightjar/api/access/clickhouse"
	"nightjar/api/access/service"
	"nightjar/api/access/signin"
	"nightjar/configuration/outbound"
	"nightjar/ingest"
	"nightjar/objects"
	rulestore "nightjar/scheduler/clickhouse"
	"nightjar/schema"
	"nightjar/wal"
)

// AccessConfig is who may come in beside the first key, and how often.
type AccessConfig struct {
	// Rate is how many calls a second a key may make; 0: as many as it likes.
	Rate float64
	// AuditEvents are the kinds of entries of the audit log that become events.
	AuditEvents []string
	// Provider is where people sign in; without an Issuer there is none. Its Secret is a
	// reference (secret:NAME).
	Provider signin.ProviderConfig
}

func parseAccess(values map[string]string) (c AccessConfig, err error) {
	if c.Rate, err = strconv.ParseFloat(values["rate-limit"], 64); err != nil || !(c.Rate >= 0 && c.Rate <= 1e9) {
		return c, fmt.Errorf("rate-limit: want calls a second, 0 or more, got %q", values["rate-limit"])
	}
	kinds := []string{audit.Refusal, string(access.SignIn), string(access.Secrets), string(access.Deletion), string(access.Response), string(access.Change), string(access.SQL)}
	for kind := range strings.SplitSeq(values["audit-events"], ",") {
		if kind = strings.TrimSpace(kind); kind == "" {
			continue
		}
		if !slices.Contains(kinds, kind) {
			return c, fmt.Errorf("audit-events: want some of %s, got %q", strings.Join(kinds, ", "), kind)
		}
		c.AuditEvents = append(c.AuditEvents, kind)
	}
	p := signin.ProviderConfig{
		Issuer: values["oidc-issuer"], ClientID: values["oidc-client-id"], Secret: values["oidc-client-secret"],
		Groups: values["oidc-groups-claim"], Scopes: splitList(values["oidc-scope"]),
	}
	for _, text := range splitList(values["oidc-role"]) {
		i := strings.LastIndex(text, "=")
		if i <= 0 || !isRoleOfPeople(text[i+1:]) {
			return c, fmt.Errorf("oidc-role: want GROUP=ROLE, with a role of reader, analyst, engineer, responder or admin, got %q", text)
		}
		p.Roles = append(p.Roles, signin.GroupRole{Group: text[:i], Role: text[i+1:]})
	}
	slices.SortStableFunc(p.Roles, func(a, b signin.GroupRole) int {
		return slices.Index(access.Roles, access.Role(b.Role)) - slices.Index(access.Roles, access.Role(a.Role))
	})
	switch {
	case p.Issuer == "" && (p.ClientID != "" || p.Secret != "" || len(p.Roles) > 0):
		return c, errors.New("oidc-issuer: it is missing, and other settings of the provider are there")
	case p.Issuer != "" && p.ClientID == "":
		return c, errors.New("oidc-client-id: it is missing; the provider gives it to the engine when that is registered there")
	case p.Issuer != "" && len(p.Roles) == 0:
		return c, errors.New("oidc-role: nobody could sign in; say which group has which role, such as soc=analyst")
	case p.Secret != "" && !outbound.IsSecret(p.Secret):
		return c, errors.New("oidc-client-secret: want secret:NAME; the secret is in the file secrets/NAME of the data folder, or in NIGHTJAR_SECRET_NAME")
	}
	c.Provider = p
	return c, nil
}

// isRoleOfPeople reports whether people may have the role: programs have the others.
func isRoleOfPeople(role string) bool {
	r := access.Role(role)
	return r.Is() && r != access.Intake && r != access.Enroll && r != access.Agent
}

// entrance is who comes in, and what is written down of it.
type entrance struct {
	guard    *access.Guard
	keys     *access.Keys
	audit    *audit.Log
	services service.Services
	signIn   map[string]http.HandlerFunc
	// swap is held while a day of events is put in another's place.
	swap *sync.Mutex
}

func newEntrance(ctx context.Context, lc fx.Lifecycle, e *engine, d *database, store sink, intake *ingest.Intake, client *outbound.Client, swap *sync.Mutex, registry *prometheus.Registry) (*entrance, error) {
	table := rulestore.New(d.conn).Deps().Objects
	kept := objects.New(access.KeyKind, table, now)
	usage := access.OpenUsage(filepath.Join(e.config.DataDir, "keys-used.json"), e.log)
	in := &entrance{swap: swap, keys: access.NewKeys(access.KeysDeps{First: e.key, Store: kept, Usage: usage, Now: now})}
	e.keys = in.keys
	var err error
	in.audit, err = audit.Open(ctx, audit.Deps{
		Dir: filepath.Join(e.config.DataDir, "audit"), Store: accessstore.Audit{Conn: d.conn}, Now: now, Log: e.log, Events: e.config.Access.AuditEvents,
		Submit: func(ctx context.Context, id string, events []schema.Event) error {
			_, err := intake.Submit(ctx, ingest.Batch{ID: id, Events: events})
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	registry.MustRegister(in.audit)
	door, users, err := in.newDoor(lc, e, table, client)
	if err != nil {
		return nil, err
	}
	in.guard = &access.Guard{Keys: in.keys, Limits: access.NewLimits(e.config.Access.Rate, now), Audit: in.audit, RequireCertificate: e.config.Inbound.Required, Sessions: func(k access.Knock) (access.Caller, bool, error) {
		return caller(door.Sessions, k)
	}}
	in.services = service.New(service.Deps{
		Keys: in.keys, Users: users, Sessions: door.Sessions, Audit: in.audit, Now: now,
		Events: deletions{accessstore.Events{Conn: d.conn, Catalogue: store.Catalogue(), Swap: swap}, intake},
	})
	lc.Append(fx.StartHook(func(ctx context.Context) error {
		err := kept.Load(ctx)
		in.keys.Refresh()
		return err
	}))
	if err := in.noteFirstKey(e); err != nil {
		return nil, err
	}
	e.run(lc, "audit log", in.audit.Run)
	e.run(lc, "use of keys", usage.Run)
	return in, nil
}

// noteFirstKey writes down that the first key is another than at the last start: it was
// replaced offline, or the engine was started with another.
func (in *entrance) noteFirstKey(e *engine) error {
	path := filepath.Join(e.config.DataDir, "audit", "first-key.sha256")
	sum := sha256.Sum256([]byte(e.key))
	now, before := hex.EncodeToString(sum[:]), ""
	text, err := os.ReadFile(path)
	if before = string(text); before == now {
		return nil
	}
	if err == nil {
		in.audit.Note(audit.Entry{Kind: string(access.Secrets), Action: "the first key was replaced", Outcome: audit.Done, Object: access.FirstID})
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look which first key there was: %w", err)
	}
	if err := wal.ReplaceFile(path, []byte(now)); err != nil {
		return fmt.Errorf("remember which first key there is: %w", err)
	}
	return nil
}

// newDoor is where people sign in.
func (in *entrance) newDoor(lc fx.Lifecycle, e *engine, table objects.Table, client *outbound.Client) (*signin.Door, *signin.Users, error) {
	people := objects.New(signin.Kind(isRoleOfPeople), table, now)
	users := signin.NewUsers(people, func() schema.Millis { return schema.MillisOf(now()) })
	sessions, err := signin.OpenSessions(filepath.Join(e.config.DataDir, "sessions.json"), users, now)
	if err != nil {
		return nil, nil, err
	}
	door := &signin.Door{Users: users, Sessions: sessions, Now: now, Log: e.log, Note: func(_ context.Context, a signin.Attempt) { in.noteSignIn(a, users) }}
	if p := e.config.Access.Provider; p.Issuer != "" {
		if p.Secret, err = e.secrets().Value(p.Secret); err != nil {
			return nil, nil, fmt.Errorf("oidc-client-secret: %w", err)
		}
		p.RedirectURL, p.Client = e.publicURL()+signin.CallbackPath, client.HTTP()
		door.Provider = signin.NewProvider(p)
	}
	lc.Append(fx.StartHook(func(ctx context.Context) error {
		if err := people.Load(ctx); err != nil {
			return err
		}
		name, err := users.ApplyReset(ctx, filepath.Join(e.config.DataDir, ResetFile), string(access.Admin))
		if name != "" {
			e.log.Warn("a person is an administrator now, as was said with nightjar keys reset --admin", "name", name)
			in.audit.Note(audit.Entry{Kind: string(access.Secrets), Action: "keys reset --admin", Outcome: audit.Done, Object: name})
		}
		return err
	}))
	in.signIn = door.Routes()
	return door, users, nil
}

// caller is who signed in, of a request by a browser.
func caller(sessions *signin.Sessions, k access.Knock) (access.Caller, bool, error) {
	r, isHTTP := k.Session.(*http.Request)
	if !isHTTP {
		return access.Caller{}, false, nil
	}
	s, ok, err := sessions.Of(r)
	c := access.Caller{ID: s.ID, Name: s.Name, Role: access.Role(s.Role), Kind: access.WithSession}
	if errors.Is(err, signin.ErrForged) {
		err = &access.DeniedError{Reason: access.ForgedForm, Caller: c}
	}
	return c, ok, err
}

// noteSignIn writes down that somebody signed in or out, or was refused.
// A name that nobody has is not: it may be a password that was typed into the wrong field.
func (in *entrance) noteSignIn(a signin.Attempt, users *signin.Users) {
	if _, known := users.Named(a.Name); a.Refused != "" && a.Provider == signin.Local && !known {
		a.Name = "an unknown name"
	}
	e := audit.Entry{Kind: string(access.SignIn), Action: "sign in", Outcome: audit.Done, CallerID: a.Session.ID, Caller: a.Name, Role: a.Session.Role, Address: a.Address, Detail: "by " + a.Provider}
	switch {
	case a.Refused != "":
		e.Detail += ": " + a.Refused
		in.audit.Refuse(e)
		return
	case a.Out:
		e.Action = "sign out"
	}
	in.audit.Note(e)
}

// deletions are events as their deletion needs them.
type deletions struct {
	accessstore.Events
	intake *ingest.Intake
}

// Settle implements service.Events.
func (d deletions) Settle(ctx context.Context) error {
	for through := d.intake.Acknowledged(); ; {
		changed := d.intake.StoredChanged()
		if d.intake.Stored() >= through {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for what was taken in to be stored: %w", ctx.Err())
		}
	}
}
