package outbound

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
)

// Place is where the operator lets a secret go: an address, and all below it.
type Place struct {
	text string
	url  *url.URL
}

// ports are those of addresses that name none. A mail server's is always named.
var ports = map[string]string{"http": "80", "https": "443"}

// ParsePlace reads NAME=ADDRESS, as the operator says where secret NAME may go. ADDRESS is
// https://host/path or http://host/path, of a mail server smtps://host:port, or
// smtp://host:port where it may go without TLS too. A host *.example is any below example.
func ParsePlace(text string) (name string, p Place, err error) {
	name, at, ok := strings.Cut(text, "=")
	if !ok || !secretName.MatchString(name) {
		return "", p, errors.New("want NAME=ADDRESS, such as soc=https://hooks.example/soc, with the name of a secret")
	}
	if strings.HasPrefix(name, Kept) {
		return "", p, fmt.Errorf("%s: the secrets %s… are kept for notification targets, each for its own", name, Kept)
	}
	u, err := url.Parse(at)
	switch { // what is there may be a secret itself: it is not repeated
	case err != nil || u.Hostname() == "" || !slices.Contains([]string{"http", "https", "smtp", "smtps"}, u.Scheme):
		return "", p, fmt.Errorf("%s: want an address such as https://hooks.example/soc or smtps://mail.example:587", name)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", p, fmt.Errorf("%s: want an address without a user, a query or a fragment", name)
	case strings.Contains(strings.TrimPrefix(u.Hostname(), "*."), "*"):
		return "", p, fmt.Errorf("%s: want a host such as hooks.example, or *.example for any below example", name)
	case strings.HasPrefix(u.Scheme, "smtp") && (u.Port() == "" || strings.Trim(u.Path, "/") != ""):
		return "", p, fmt.Errorf("%s: want a mail server with its port and no path, such as smtps://mail.example:587", name)
	case climbs(u.Path):
		return "", p, fmt.Errorf("%s: want a path that has neither . nor .. in it", name)
	}
	return name, Place{text: at, url: u}, nil
}

// holds reports whether an address is the place, or below it.
func (p Place) holds(u *url.URL) bool {
	if u.User != nil || u.Scheme != p.url.Scheme && (u.Scheme != "smtps" || p.url.Scheme != "smtp") {
		return false
	}
	if !isHost(p.url.Hostname(), u.Hostname()) || port(u) != port(p.url) {
		return false
	}
	folder := strings.TrimSuffix(p.url.EscapedPath(), "/") + "/"
	return folder == "/" || !climbs(u.Path) && strings.HasPrefix(u.EscapedPath()+"/", folder)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return ports[u.Scheme]
}

// isHost reports whether a host is the one of a list, where a leading *. stands for any name below.
func isHost(listed, host string) bool {
	listed, host = strings.ToLower(listed), strings.ToLower(strings.TrimSuffix(host, "."))
	below, any := strings.CutPrefix(listed, "*")
	return listed == host || any && strings.HasSuffix(host, below)
}

// climbs reports whether a path has parts that servers take for the folder itself or for the
// one above.
func climbs(path string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' }), func(part string) bool {
		part, _, _ = strings.Cut(part, ";")
		return part == "." || part == ".."
	})
}

// Named are references to secrets of the operator's by the fields that have them, such as
// headers.X-Key.
type Named map[string]string

// Add adds what a field has, if it refers to a secret that is not kept for a target.
func (n Named) Add(field, text string) {
	if IsSecret(text) && !IsKept(text) {
		n[field] = text
	}
}

// AddHeaders adds those of headers.
func (n Named) AddHeaders(headers map[string]string) {
	for name, value := range headers {
		n.Add("headers."+name, value)
	}
}

// PlaceError refuses to send a secret to where the operator did not let it go.
type PlaceError struct {
	Field, Name string
	Places      []Place
}

func (e *PlaceError) Error() string {
	var texts []string
	for _, p := range e.Places {
		texts = append(texts, p.text)
	}
	return fmt.Sprintf("the operator lets secret %s go to %s only: use an address there, or have the engine started with --outbound-secret %s=ADDRESS as well", e.Name, strings.Join(texts, " and "), e.Name)
}

// Unwrap is ErrRefused.
func (e *PlaceError) Unwrap() error { return ErrRefused }

// Check says which of the secrets may not go to an address, as *PlaceError. unsaid are the
// names of those of which the operator did not say where they may go. The address may be a
// reference itself; empty, nothing is sent.
func (s Secrets) Check(named Named, address string) (unsaid []string, err error) {
	var to *url.URL
	for _, field := range slices.Sorted(maps.Keys(named)) {
		name := strings.TrimPrefix(named[field], secretPrefix)
		places := s.placesOf(name)
		if len(places) == 0 {
			unsaid = append(unsaid, name)
			continue
		}
		if address == "" {
			continue
		}
		if to == nil {
			text, err := s.Value(address)
			if err != nil {
				return nil, err
			}
			if to, err = url.Parse(text); err != nil {
				return nil, errors.New("the URL can't be read") // it may be a secret
			}
		}
		if !slices.ContainsFunc(places, func(p Place) bool { return p.holds(to) }) {
			return nil, &PlaceError{Field: field, Name: name, Places: places}
		}
	}
	return unsaid, nil
}

// placesOf are those of a secret. Names that differ as files may be one variable.
func (s Secrets) placesOf(name string) (out []Place) {
	_, isVariable := os.LookupEnv(variable(name))
	for _, n := range slices.Sorted(maps.Keys(s.Places)) {
		if n == name || isVariable && variable(n) == variable(name) {
			out = append(out, s.Places[n]...)
		}
	}
	return out
}

// carried are the secrets of a request.
type carried struct {
	Secrets
	named Named
}

type carriedKey struct{}

// Carry is Check of where a request goes. Where a redirect leaves the place of one of the
// secrets, the request of the context takes none along.
func (s Secrets) Carry(ctx context.Context, named Named, to *url.URL) (context.Context, error) {
	_, err := s.Check(named, to.String())
	return context.WithValue(ctx, carriedKey{}, carried{s, named}), err
}

// strays reports whether secrets of the request may not go to where a redirect leads.
func strays(ctx context.Context, to *url.URL) bool {
	c, ok := ctx.Value(carriedKey{}).(carried)
	if !ok {
		return false
	}
	_, err := c.Check(c.named, to.String())
	return err != nil
}
