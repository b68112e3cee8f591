package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// ProviderConfig is how people sign in by an OpenID Connect provider.
type ProviderConfig struct {
	Issuer, ClientID string
	// Secret is the client's; empty: it is a public one, and PKCE is what protects it.
	Secret string
	// RedirectURL is where the provider sends people back to.
	RedirectURL string
	// Groups is the claim that has a person's groups. Default: groups.
	Groups string
	// Scopes are asked for beside openid, profile and email.
	Scopes []string
	// Roles are the roles of groups, the mightiest first: who is in several has the first.
	Roles []GroupRole
	// Client is what the provider is asked by.
	Client *http.Client
}

// GroupRole gives a group a role.
type GroupRole struct{ Group, Role string }

// Provider is an OpenID Connect provider. It is asked for its endpoints when they are
// first needed, so that an engine starts without it.
type Provider struct {
	config ProviderConfig

	mu    sync.Mutex
	found *oidc.Provider
}

// NewProvider makes a Provider.
func NewProvider(c ProviderConfig) *Provider {
	if c.Groups == "" {
		c.Groups = "groups"
	}
	return &Provider{config: c}
}

// providerTime is how long a provider may take for one answer.
const providerTime = 15 * time.Second

func (p *Provider) discover(ctx context.Context) (*oidc.Provider, oauth2.Config, error) {
	p.mu.Lock()
	found := p.found
	p.mu.Unlock()
	if found == nil {
		var err error
		if found, err = oidc.NewProvider(ctx, p.config.Issuer); err != nil {
			return nil, oauth2.Config{}, fmt.Errorf("ask the provider %s for its endpoints: %w", p.config.Issuer, err)
		}
		p.mu.Lock()
		p.found = found
		p.mu.Unlock()
	}
	return found, oauth2.Config{
		ClientID: p.config.ClientID, ClientSecret: p.config.Secret, Endpoint: found.Endpoint(), RedirectURL: p.config.RedirectURL,
		Scopes: append([]string{oidc.ScopeOpenID, "profile", "email"}, p.config.Scopes...),
	}, nil
}

// flow is a sign-in that was begun; it goes along in a sealed cookie.
type flow struct {
	State, Nonce, Verifier string
	Next                   string // where on the page to go on
	Until                  int64  // Unix seconds
}

// begin is the address at which the person signs in.
func (p *Provider) begin(ctx context.Context, f flow) (string, error) {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.config.Client), providerTime)
	defer cancel()
	_, config, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	return config.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), nil
}

// person is who a provider says signed in.
type person struct{ Name, Role string }

// NoRoleError refuses somebody whom the provider knows and who has no role here.
type NoRoleError struct {
	Name   string
	Groups []string
}

func (e *NoRoleError) Error() string {
	return fmt.Sprintf("%s is in no group that has a role here (their groups: %q); an administrator gives one a role with --oidc-role GROUP=ROLE", e.Name, e.Groups)
}

// finish exchanges the code for who signed in.
func (p *Provider) finish(ctx context.Context, f flow, code string) (person, error) {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.config.Client), providerTime)
	defer cancel()
	found, config, err := p.discover(ctx)
	if err != nil {
		return person{}, err
	}
	tokens, err := config.Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return person{}, fmt.Errorf("exchange the code: %w", err)
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return person{}, errors.New("the provider answered without an id_token")
	}
	token, err := found.Verifier(&oidc.Config{ClientID: p.config.ClientID}).Verify(ctx, raw)
	if err != nil {
		return person{}, fmt.Errorf("check the id_token: %w", err)
	}
	if token.Nonce != f.Nonce {
		return person{}, errors.New("the id_token is of another sign-in")
	}
	claims := map[string]any{}
	if err := token.Claims(&claims); err != nil {
		return person{}, fmt.Errorf("read the id_token: %w", err)
	}
	return p.person(claims, token.Subject)
}

func (p *Provider) person(claims map[string]any, subject string) (person, error) {
	out := person{Name: subject}
	for _, claim := range []string{"preferred_username", "email", "name"} {
		if name, ok := claims[claim].(string); ok && name != "" {
			out.Name = name
			break
		}
	}
	groups := texts(claims[p.config.Groups])
	for _, r := range p.config.Roles {
		if slices.Contains(groups, r.Group) {
			out.Role = r.Role
			return out, nil
		}
	}
	return out, &NoRoleError{Name: out.Name, Groups: groups}
}

// texts are the texts of a claim that is a text or a list of them.
func texts(claim any) (out []string) {
	switch c := claim.(type) {
	case string:
		return []string{c}
	case []any:
		for _, v := range c {
			if s, ok := v.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}
