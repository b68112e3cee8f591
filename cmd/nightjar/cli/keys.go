package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"nightjar/api/access/signin"
	"nightjar/engine"
)

const keysPath = "/api/nightjar/v1/keys"

// keyShown is a key as the API shows it.
type keyShown struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Role        string  `json:"role"`
	Key         string  `json:"key"`
	Hint        string  `json:"hint"`
	Created     string  `json:"created"`
	Expires     string  `json:"expires"`
	LastUsed    string  `json:"last_used"`
	Rate        float64 `json:"rate"`
	FormerUntil string  `json:"former_until"`
	Agent       string  `json:"agent"`
}

func newKeysCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "keys", Short: "List, make, rotate and revoke API keys",
		Long: `API keys let programs in. A key has a role: intake (sends events, sees nothing), enroll
(makes a host an agent: nightjar agents token), agent (sends events, fetches its
policies), reader, analyst (triages signals), engineer (changes what is
detected), responder (an analyst who kills, isolates and blocks) or admin. It is shown
once, when it is made. People sign in instead: see nightjar users.

The first key is in DATA-DIR/api-key, or the one that the engine was started with; it is
an administrator's.`,
		Example: `  nightjar keys list
  nightjar keys create shipper --role intake --expires-in 365d
  nightjar keys reset --data-dir /var/lib/nightjar`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newKeysList(), newKeysCreate(), newKeysRotate(), newKeysRevoke(), newKeysReset())
	return c
}

func newKeysList() *cobra.Command {
	var agents bool
	c := &cobra.Command{
		Use: "list", Short: "List the keys, without what they are",
		Long: `Lists the keys, without what they are. Those that agents were given when they enrolled
are left out, unless --agents asks for them; nightjar agents lists agents.`,
		Example: `  nightjar keys list --output json
  nightjar keys list --agents`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			all, raw, err := cl.keys(c.Context())
			if err != nil {
				return err
			}
			shown := []json.RawMessage{}
			r := result{header: []string{"NAME", "ROLE", "BEGINS", "LAST USED", "EXPIRES", "ID"}}
			left := 0
			for i, k := range all {
				if k.Agent != "" && !agents {
					left++
					continue
				}
				shown = append(shown, raw[i])
				r.rows = append(r.rows, []string{k.Name, k.Role, k.Hint, k.LastUsed, k.Expires, k.ID})
			}
			if left > 0 {
				fmt.Fprintf(os.Stderr, "%d keys of agents are not listed (--agents)\n", left)
			}
			r.data = shown
			return r.print(c)
		},
	}
	c.Flags().BoolVar(&agents, "agents", false, "list the keys of agents too")
	addClientFlags(c)
	addOutput(c, tableFormats...)
	return c
}

func (c *client) keys(ctx context.Context) (all []keyShown, raw []json.RawMessage, err error) {
	return listed[keyShown](ctx, c, keysPath, "keys")
}

// keyID is the id of a key that a user named by its name or its id.
func (c *client) keyID(ctx context.Context, name string) (string, error) {
	all, _, err := c.keys(ctx)
	if err != nil {
		return "", err
	}
	for _, k := range all {
		if k.Name == name || k.ID == name {
			return k.ID, nil
		}
	}
	return "", fmt.Errorf("there is no key %q; nightjar keys list shows them", name)
}

func newKeysCreate() *cobra.Command {
	var role, expires string
	var rate float64
	var uses int64
	c := &cobra.Command{
		Use: "create NAME", Short: "Make a key, and print it this once",
		Example: `  nightjar keys create shipper --role intake
  nightjar keys create grafana --role reader --expires-in 90d --rate 20`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var made keyShown
			if err := cl.send(c.Context(), http.MethodPost, keysPath, map[string]any{"name": args[0], "role": role, "expires_in": expires, "rate": rate, "uses": uses}, &made); err != nil {
				return err
			}
			return printKey(c, made)
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	c.Flags().StringVar(&role, "role", "", "what it may do: intake, enroll, agent, reader, analyst, engineer, responder or admin; required")
	c.Flags().StringVar(&expires, "expires-in", "", "how long it is valid, such as 90d (default: until it is revoked)")
	c.Flags().Int64Var(&uses, "uses", 0, "how many agents may enrol with a key of role enroll (0: any number)")
	c.Flags().Float64Var(&rate, "rate", 0, "calls a second that it may make (0: as many as any key)")
	return c
}

// printKey prints a key that was just made: alone, so that it can be put into a file.
func printKey(c *cobra.Command, k keyShown) error {
	return printSecret(c, k, k.Key, fmt.Sprintf("the key %s (%s, id %s); it is not shown again", k.Name, k.Role, k.ID))
}

// printSecret prints what is shown once, and tells what it is.
func printSecret(c *cobra.Command, data any, secret, what string) error {
	if outputOf(c) != asTable {
		return result{data: data}.print(c)
	}
	fmt.Fprintln(os.Stderr, what)
	_, err := fmt.Println(secret)
	return err
}

func newKeysRotate() *cobra.Command {
	var grace string
	c := &cobra.Command{
		Use: "rotate NAME|ID", Short: "Replace a key by another, and print that this once",
		Example: "  nightjar keys rotate shipper --grace 24h", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			id, err := cl.keyID(c.Context(), args[0])
			if err != nil {
				return err
			}
			var made keyShown
			if err := cl.send(c.Context(), http.MethodPost, keysPath+"/"+url.PathEscape(id)+":rotate", map[string]any{"grace": grace}, &made); err != nil {
				return err
			}
			return printKey(c, made)
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	c.Flags().StringVar(&grace, "grace", "", "how long the former key is valid beside it, such as 24h (default: it ends at once)")
	return c
}

func newKeysRevoke() *cobra.Command {
	c := &cobra.Command{
		Use: "revoke NAME|ID", Short: "End a key at once, or the sessions of a person",
		Long: `Ends a key at once. Where no key is called so, it ends the sessions of a person of this
name, or the one of this id, which the audit log has: they sign in again, if they still can.`,
		Example: "  nightjar keys revoke shipper\n  nightjar keys revoke jane@example.org", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			all, _, err := cl.keys(c.Context())
			if err != nil {
				return err
			}
			id := args[0]
			if i := slices.IndexFunc(all, func(k keyShown) bool { return k.Name == id || k.ID == id }); i >= 0 {
				id = all[i].ID
			}
			return cl.do(c.Context(), http.MethodDelete, keysPath+"/"+url.PathEscape(id), nil, nil, nil)
		},
	}
	addClientFlags(c)
	return c
}

func newKeysReset() *cobra.Command {
	var dir, admin string
	c := &cobra.Command{
		Use: "reset", Short: "Make another first key, or another first administrator, while the engine is stopped",
		Long: `Replaces the first key in the data folder by another, which nobody has seen: for when
the former one may be known to others. With --admin, makes a password with which that
person is an administrator from the next start of the engine on, and prints it this once.
It needs no key, but the data folder.`,
		Example: `  nightjar keys reset --data-dir /var/lib/nightjar
  nightjar keys reset --admin jane --data-dir /var/lib/nightjar`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if v, ok := os.LookupEnv(engine.EnvName("data-dir")); ok && !c.Flags().Lookup("data-dir").Changed {
				dir = v
			}
			release, err := engine.LockFolder(dir)
			if err != nil {
				return err
			}
			defer release()
			if admin != "" {
				return resetAdmin(dir, admin)
			}
			path, err := engine.ResetKey(dir)
			if err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "the first key is another now, in %s; one that the engine is started with (--api-key, %s) counts before it\n", path, engine.EnvName("api-key"))
			return nil
		},
	}
	c.Flags().StringVar(&dir, "data-dir", "data", "the engine's data folder; NIGHTJAR_DATA_DIR")
	c.Flags().StringVar(&admin, "admin", "", "the name of a person who is to be an administrator; the first key stays")
	return c
}

func resetAdmin(dir, name string) error {
	password, err := signin.WriteReset(filepath.Join(dir, engine.ResetFile), name)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "the password of %s, an administrator from the next start on; it is not shown again\n", name)
	_, err = fmt.Println(password)
	return err
}
