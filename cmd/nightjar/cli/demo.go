package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"nightjar/content"
	"nightjar/engine"
	"nightjar/ingest/files"
)

// demoWait is how long the demo looks for its signal.
const demoWait = 30 * time.Second

// runDemo creates the bundled rule, replays the sample log through the intake
// as if it had happened in the last minutes, and shows the signal.
func runDemo(ctx context.Context, e engine.Running) error {
	cl := clientOf(e)
	say := func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

	created, err := createBundled(ctx, cl, "rules/ssh-brute-force.json")
	if err != nil {
		return fmt.Errorf("create the bundled rule: %w", err)
	}
	say("First start: created the rule %q (%s),", created.Name, created.ID)
	lines, err := demoLines(engine.Now())
	if err != nil {
		return err
	}
	s := shipper{client: cl, source: "sshd", tags: "env:demo", wait: demoWait}
	if _, err := s.send(ctx, lines, files.Place{}, ""); err != nil {
		return fmt.Errorf("replay the sample log: %w", err)
	}
	say("and sent it %d lines of a sample sshd log. Waiting for the signal …\n", len(lines))
	signal, err := awaitSignal(ctx, cl, created.ID)
	if err != nil {
		return err
	}
	listed, err := listOfSignals([]json.RawMessage{signal})
	if err == nil {
		err = listed.write(os.Stdout, asTable)
	}
	if err != nil {
		return err
	}
	var about struct{ ID string }
	if err := json.Unmarshal(signal, &about); err != nil {
		return fmt.Errorf("read the signal: %w", err)
	}
	say("\nSee it at    %s/signals/%s   (the page asks for the key in %s)", cl.base, url.PathEscape(about.ID), e.KeyFile)
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
	return nil
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

// demoLines stamps the sample log's lines: each begins with its time in seconds
// before now.
func demoLines(now time.Time) ([][]byte, error) {
	text, err := content.Files.ReadFile("samples/auth.log")
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		offset, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		seconds, err := strconv.Atoi(offset)
		if err != nil {
			return nil, fmt.Errorf("sample log: %w", err)
		}
		at := now.UTC().Add(time.Duration(seconds) * time.Second)
		item, err := rawItem([]byte(at.Format("Jan _2 15:04:05") + " " + rest))
		if err != nil {
			return nil, fmt.Errorf("sample log: %w", err)
		}
		out = append(out, item)
	}
	return out, nil
}

func awaitSignal(ctx context.Context, cl *client, rule string) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, demoWait)
	defer cancel()
	for {
		items, _, err := cl.signals(ctx, map[string]string{"query": "@nightjar.rule_id:" + rule}, 1)
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
