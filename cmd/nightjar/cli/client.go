package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"nightjar/engine"

	"github.com/spf13/cobra"
)

// client speaks to an engine's REST API. The generated client, which speaks gRPC, is not
// used: what a command prints as JSON is the API's document to the byte, files that are
// applied are its bodies as they stand, and REST passes through whatever proxy there is
// between a user and an engine.
type client struct {
	base, key string
	http      *http.Client
}

// addClientFlags adds what every command that talks to an engine takes.
func addClientFlags(c *cobra.Command) {
	c.Flags().String("server", "http://127.0.0.1:8420", "address of the engine; NIGHTJAR_SERVER")
	c.Flags().String("data-dir", "data", "the engine's data folder, where the key is found; NIGHTJAR_DATA_DIR")
	c.Flags().String("api-key", "", "the key (better in NIGHTJAR_API_KEY or a file, where other users of the host don't see it)")
	c.Flags().String("api-key-file", "", "a file with the key; NIGHTJAR_API_KEY_FILE")
	addClientTLSFlags(c)
}

// setting is the value of a flag, or of its variable where the flag is not given.
func setting(c *cobra.Command, flag string) string {
	f := c.Flags().Lookup(flag)
	if v, ok := os.LookupEnv(engine.EnvName(flag)); ok && !f.Changed {
		return v
	}
	return f.Value.String()
}

func newClient(c *cobra.Command) (*client, error) {
	value := func(flag string) string { return setting(c, flag) }
	key, err := secretSetting(c, "api-key")
	if err != nil {
		return nil, err
	}
	if key == "" {
		path := filepath.Join(value("data-dir"), engine.KeyFile)
		key, err = engine.ReadKey(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("no API key: set NIGHTJAR_API_KEY, or name the engine's folder with --data-dir (looked for %s)", path)
		}
		if err != nil {
			return nil, err
		}
	}
	base, transport, err := reach(c)
	if err != nil {
		return nil, err
	}
	return &client{base: base, key: key, http: &http.Client{Transport: transport}}, nil
}

// reach is where an engine is, and how it is reached.
func reach(c *cobra.Command) (base string, transport http.RoundTripper, err error) {
	transport, err = newTransport(tlsFiles{
		ca: setting(c, "ca"), serverName: setting(c, "server-name"), certificate: setting(c, "client-cert"), key: setting(c, "client-key"),
	})
	return strings.TrimRight(setting(c, "server"), "/"), transport, err
}

// httpError is an answer that is no success.
type httpError struct {
	status  int
	message string
	retry   time.Duration // what Retry-After asks for
}

func (h *httpError) Error() string { return h.message }

// do sends a request and decodes the answer into out, unless that is nil.
func (c *client) do(ctx context.Context, method, path string, header http.Header, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("DD-API-KEY", c.key)
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 256<<20))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.base, err)
	}
	if resp.StatusCode >= 300 {
		return answerError(resp, text)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("the answer of %s is no JSON: %w", c.base, err)
	}
	return nil
}

// listed asks for a list, which is under a key of the answer: what a command shows of each
// item, and each as it came.
func listed[T any](ctx context.Context, c *client, path, key string) (all []T, raw []json.RawMessage, err error) {
	var answer map[string]json.RawMessage
	if err := c.do(ctx, http.MethodGet, path, nil, nil, &answer); err != nil {
		return nil, nil, err
	}
	if answer[key] != nil {
		err = json.Unmarshal(answer[key], &raw)
	}
	for _, item := range raw {
		all = append(all, *new(T))
		err = errors.Join(err, json.Unmarshal(item, &all[len(all)-1]))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the engine's answer: %w", err)
	}
	return all, raw, nil
}

// unreachable is why there was no answer, in the words of somebody who wants one.
func (c *client) unreachable(err error) error {
	var network *net.OpError
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no engine listens at %s: start it with `nightjar up`, or name another with --server or NIGHTJAR_SERVER", c.base)
	case errors.As(err, &untrusted):
		return fmt.Errorf("the certificate of %s is not to be trusted: %w; name its authority with --ca", c.base, untrusted.Err)
	case errors.As(err, &network):
		return fmt.Errorf("cannot reach the engine at %s: %w", c.base, network)
	}
	return fmt.Errorf("cannot reach the engine at %s: %w", c.base, err)
}

// answerError reads the messages out of the API's error bodies. A refusal that is
// over soon says that the engine is busy.
func answerError(resp *http.Response, text []byte) error {
	h := &httpError{status: resp.StatusCode, message: fmt.Sprintf("the engine answered %s", resp.Status)}
	defer func() {
		if h.retry > 0 {
			h.message += fmt.Sprintf("; try again in %s", h.retry)
		}
	}()
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.message = "the engine is busy"
	case http.StatusUnauthorized, http.StatusForbidden:
		h.message = "the engine does not take this key"
	}
	if s, err := time.ParseDuration(resp.Header.Get("Retry-After") + "s"); err == nil {
		h.retry = s
	}
	var body struct {
		Errors []json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(text, &body) != nil || len(body.Errors) == 0 {
		return h
	}
	var messages []string
	for _, raw := range body.Errors {
		var plain string
		var full struct{ Title, Detail string }
		switch {
		case json.Unmarshal(raw, &plain) == nil:
			messages = append(messages, plain)
		case json.Unmarshal(raw, &full) == nil && full.Detail != "":
			messages = append(messages, full.Detail)
		default:
			messages = append(messages, full.Title)
		}
	}
	said := strings.Join(messages, "; ")
	if why, isKnown := strings.CutPrefix(said, "Forbidden: "); isKnown { // the key is one of the engine's
		h.message = "the engine refuses this"
		said = why
	}
	h.message += ": " + said
	return h
}
