package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

const usersPath = "/api/nightjar/v1/users"

// userShown is a user as the API shows it.
type userShown struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Role     string `json:"role"`
	Password string `json:"password"`
	Created  string `json:"created"`
	Disabled bool   `json:"disabled"`
}

func newUsersCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "users", Short: "List and change the people who sign in with a password",
		Long: `People sign in to the page with a password that is kept here, or by a provider
(nightjar up --oidc-issuer), whose people are not listed. Programs have keys instead.`,
		Example: `  nightjar users list
  nightjar users create jane --role admin`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newUsersList(), newUsersCreate(), newUsersPassword(), newUsersRole(), newUsersDisable(), newUsersEnable(), newUsersDelete())
	return c
}

func (c *client) users(ctx context.Context) (all []userShown, raw []json.RawMessage, err error) {
	return listed[userShown](ctx, c, usersPath, "users")
}

// userPath is the path of a user who was named by their name or id.
func (c *client) userPath(ctx context.Context, name string) (string, error) {
	all, _, err := c.users(ctx)
	if err != nil {
		return "", err
	}
	for _, u := range all {
		if u.Name == name || u.ID == name {
			return usersPath + "/" + url.PathEscape(u.ID), nil
		}
	}
	return "", fmt.Errorf("there is no user %q; nightjar users list shows them", name)
}

func newUsersList() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "List the people who sign in with a password", Example: "  nightjar users list", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			all, raw, err := cl.users(c.Context())
			if err != nil {
				return err
			}
			r := result{data: raw, header: []string{"NAME", "ROLE", "STATE", "CREATED", "ID"}, none: "nobody signs in with a password"}
			for _, u := range all {
				state := "enabled"
				if u.Disabled {
					state = "disabled"
				}
				r.rows = append(r.rows, []string{u.Name, u.Role, state, u.Created, u.ID})
			}
			return r.print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	return c
}

// addPassword adds the flag that says where a password comes from.
func addPassword(c *cobra.Command) {
	c.Flags().String("password-file", "", "a file with the password, - for standard input (default: one is made, and printed this once)")
}

// givenPassword is the password in the file that was named; empty: one is to be made.
func givenPassword(c *cobra.Command) (string, error) {
	file, _ := c.Flags().GetString("password-file")
	if file == "" {
		return "", nil
	}
	text, err := readFile(file)
	return strings.TrimRight(string(text), "\r\n"), err
}

func newUsersCreate() *cobra.Command {
	var role string
	c := &cobra.Command{
		Use: "create NAME", Short: "Let a person sign in with a password", Example: "  nightjar users create jane --role analyst", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			password, err := givenPassword(c)
			if err != nil {
				return err
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var made userShown
			if err := cl.send(c.Context(), http.MethodPost, usersPath, map[string]string{"name": args[0], "role": role, "password": password}, &made); err != nil {
				return err
			}
			return printUser(c, made)
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	addPassword(c)
	c.Flags().StringVar(&role, "role", "", "what they may do: reader, analyst, engineer, responder or admin; required")
	return c
}

// printUser prints the password where it was made for the user.
func printUser(c *cobra.Command, u userShown) error {
	if u.Password == "" && outputOf(c) == asTable {
		fmt.Fprintf(os.Stderr, "user %s (%s, id %s)\n", u.Name, u.Role, u.ID)
		return nil
	}
	return printSecret(c, u, u.Password, fmt.Sprintf("the password of %s (%s, id %s); it is not shown again", u.Name, u.Role, u.ID))
}

func newUsersPassword() *cobra.Command {
	c := &cobra.Command{
		Use: "password NAME|ID", Short: "Give a person another password, and end their sessions", Example: "  nightjar users password jane", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			password, err := givenPassword(c)
			if err != nil {
				return err
			}
			return changeUser(c, args[0], "password", map[string]string{"password": password})
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	addPassword(c)
	return c
}

func changeUser(c *cobra.Command, name, what string, body any) error {
	cl, err := newClient(c)
	if err != nil {
		return err
	}
	path, err := cl.userPath(c.Context(), name)
	if err != nil {
		return err
	}
	var now userShown
	if err := cl.send(c.Context(), http.MethodPost, path+":"+what, body, &now); err != nil {
		return err
	}
	return printUser(c, now)
}

func newUsersRole() *cobra.Command {
	c := &cobra.Command{
		Use: "role NAME|ID ROLE", Short: "Give a person another role, and end their sessions", Example: "  nightjar users role jane responder", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return changeUser(c, args[0], "role", map[string]string{"role": args[1]})
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	return c
}

func newUsersDisable() *cobra.Command {
	return newUsersState("disable", "Let a person in no more until they are enabled, and end their sessions")
}

func newUsersEnable() *cobra.Command {
	return newUsersState("enable", "Let a disabled person in again")
}

func newUsersState(verb, short string) *cobra.Command {
	c := &cobra.Command{
		Use: verb + " NAME|ID", Short: short, Example: "  nightjar users " + verb + " jane", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return changeUser(c, args[0], verb, map[string]string{})
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	return c
}

func newUsersDelete() *cobra.Command {
	c := &cobra.Command{
		Use: "delete NAME|ID", Short: "Let a person in no more, and end their sessions", Example: "  nightjar users delete jane", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			path, err := cl.userPath(c.Context(), args[0])
			if err != nil {
				return err
			}
			return cl.do(c.Context(), http.MethodDelete, path, nil, nil, nil)
		},
	}
	addClientFlags(c)
	return c
}
