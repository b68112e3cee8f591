package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"nightjar/engine"
)

// demoWait is how long the demo looks for a signal.
const demoWait = 30 * time.Second

// runDemo has the engine make its demo, the same that `nightjar demo` and the page make, and
// shows the signals of it.
func runDemo(ctx context.Context, e engine.Running) error {
	cl := clientOf(e)
	say := func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

	var d demoState
	if err := cl.do(ctx, http.MethodPost, demoPath, nil, []byte("{}"), &d); err != nil {
		return err
	}
	say("First start: made %d rules, and took in %d events: a sample sshd log, and a made-up day with", len(d.RuleIDs), d.Events)
	say("three attacks in it. Each has the tag %s. Waiting for the signals …\n", d.Query)
	found, err := demoSignals(ctx, cl, d)
	if err != nil {
		return err
	}
	if err := showSignals(found); err != nil {
		return err
	}
	say("\nSee them at  %s/signals?query=%s   (the page asks for the key in %s)", cl.base, url.QueryEscape(d.Query), e.KeyFile)
	say("or with      curl -H \"DD-API-KEY: $(cat %s)\" %s/api/v2/security_monitoring/signals", e.KeyFile, cl.base)
	watched := runAgentDemo(ctx, e)
	if watched != nil && !errors.Is(watched, errNotWatched) {
		say("demo of the agent: %v", watched)
	}
	say("\nNext, in another terminal:")
	flags := clientFlags(e)
	say("  bin/nightjar signals list%s", flags)
	say("  bin/nightjar sql%s \"SELECT attributes.network.client.ip AS ip, count() FROM events GROUP BY ip ORDER BY 2 DESC\"", flags)
	if watched == nil {
		say("  bin/nightjar agents%s", flags)
	}
	say("  bin/nightjar ingest%s --source sshd /var/log/auth.log", flags)
	say("  bin/nightjar demo remove%s", flags)
	return nil
}

// demoSignals waits until each rule of the demo has a signal, and is all of them.
func demoSignals(ctx context.Context, cl *client, d demoState) ([]json.RawMessage, error) {
	for _, rule := range d.RuleIDs {
		if _, err := awaitSignal(ctx, cl, "@nightjar.rule_id:"+rule); err != nil {
			return nil, err
		}
	}
	found, _, err := cl.signals(ctx, map[string]string{"query": d.Query}, mostDemoSignals)
	return found, err
}

// mostDemoSignals is how many the demo shows at most; it gives six.
const mostDemoSignals = 20

func showSignals(found []json.RawMessage) error {
	listed, err := listOfSignals(found)
	if err != nil {
		return err
	}
	return listed.write(os.Stdout, asTable)
}

// clientOf is a client of an engine in this process.
func clientOf(e engine.Running) *client {
	ca, name, err := e.Trust()
	transport := http.DefaultTransport
	if err == nil {
		transport, err = newTransport(tlsFiles{ca: ca, serverName: name})
	}
	if err != nil {
		transport = http.DefaultTransport // the first request says what is wrong
	}
	return &client{base: e.URL, key: e.Key, http: &http.Client{Transport: transport}}
}

// clientFlags are what the tool needs to find an engine that is not where it
// looks first.
func clientFlags(e engine.Running) string {
	flags := ""
	if cwd, err := os.Getwd(); err != nil || e.DataDir != cwd+"/data" {
		flags += " --data-dir " + e.DataDir
	}
	if _, address, _ := strings.Cut(e.URL, "://"); !strings.HasSuffix(address, ":8420") || strings.HasPrefix(e.URL, "https:") {
		flags += " --server " + e.URL
	}
	return flags
}

// awaitSignal is a signal that a query finds, as soon as there is one.
func awaitSignal(ctx context.Context, cl *client, query string) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, demoWait)
	defer cancel()
	for {
		items, _, err := cl.signals(ctx, map[string]string{"query": query}, 1)
		if err != nil && ctx.Err() == nil {
			return nil, err
		}
		if len(items) > 0 {
			return items[0], nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.New("no signal came; `nightjar status` tells how far evaluation is")
		case <-time.After(200 * time.Millisecond):
		}
	}
}
