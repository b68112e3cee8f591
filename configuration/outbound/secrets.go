package outbound

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Secrets are what configured objects refer to as secret:NAME, so that no secret is
// stored, shown or logged with them. The operator puts secret NAME into the file
// Dir/NAME, or into the environment variable NIGHTJAR_SECRET_NAME.
type Secrets struct {
	Dir string
	// Places are where secrets may go, by their names, as far as the operator said.
	Places map[string][]Place
}

// secretPrefix is what a reference begins with.
const secretPrefix = "secret:"

var secretName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$`)

// IsSecret reports whether the text refers to a secret.
func IsSecret(text string) bool { return strings.HasPrefix(text, secretPrefix) }

// Kept is the beginning of the names of secrets that the engine keeps for a notification
// target, and which nothing else may refer to: who may make a target could have another's
// key sent anywhere.
const Kept = "target-"

// IsKept reports whether the text refers to a secret that is kept for a target.
func IsKept(text string) bool { return strings.HasPrefix(text, secretPrefix+Kept) }

// CheckReference says what is wrong with a text that may refer to a secret; any other
// text is good.
func CheckReference(text string) error {
	if name, ok := strings.CutPrefix(text, secretPrefix); ok && !secretName.MatchString(name) {
		return errors.New("the name of a secret has letters, digits, - _ and dots, and begins with none of the latter")
	}
	return nil
}

// Value is the text itself, or the secret that it refers to.
func (s Secrets) Value(text string) (string, error) {
	name, ok := strings.CutPrefix(text, secretPrefix)
	if !ok {
		return text, nil
	}
	if err := CheckReference(text); err != nil {
		return "", err
	}
	if v, ok := os.LookupEnv(variable(name)); ok {
		return v, nil
	}
	value, err := os.ReadFile(filepath.Join(s.Dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no secret %s: put it into %s or the environment", name, filepath.Join(s.Dir, name))
	}
	if err != nil {
		return "", fmt.Errorf("read secret %s: %w", name, err)
	}
	return strings.TrimRight(string(value), "\r\n"), nil
}

// variable is the environment's that has a secret.
func variable(name string) string {
	return "NIGHTJAR_SECRET_" + strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))
}

// Keep keeps a secret in a file that only the engine reads, and is what refers to it.
func (s Secrets) Keep(name, value string) (reference string, err error) {
	reference = secretPrefix + name
	if err := CheckReference(reference); err != nil {
		return "", err
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return "", fmt.Errorf("keep a secret: %w", err)
	}
	path := filepath.Join(s.Dir, name)
	if err := os.WriteFile(path+".new", []byte(value), 0o600); err != nil {
		return "", fmt.Errorf("keep a secret: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return "", fmt.Errorf("keep a secret: %w", err)
	}
	return reference, nil
}

// ownHeaders are those that requests have anyway.
var ownHeaders = map[string]bool{
	"Host": true, "Content-Length": true, "Transfer-Encoding": true, "Connection": true, "Upgrade": true, "Te": true, "Trailer": true, "Proxy-Authorization": true,
}

// mayHoldSecret reports whether a header of this name is one that keys are sent in.
func mayHoldSecret(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"auth", "cookie", "key", "token", "secret", "password", "signature"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// CheckHeader says what is wrong with a header that a user wants sent. One that keys are
// sent in holds a reference: what is written is stored and shown.
func CheckHeader(name, value string) error {
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return errors.New("this is no name of a header")
	case ownHeaders[http.CanonicalHeaderKey(name)]:
		return errors.New("this header is not for users to set")
	case !httpguts.ValidHeaderFieldValue(value):
		return errors.New("a header's value has no control characters")
	case mayHoldSecret(name) && !IsSecret(value):
		return errors.New("what is written here is stored and shown: put the value into a secret, and write secret:NAME")
	case IsKept(value):
		return fmt.Errorf("the secrets %s… are kept for notification targets, each for its own: use a secret of another name", Kept)
	}
	return CheckReference(value)
}

// SetHeaders puts headers onto a request, with secrets instead of their names. Where they
// may go is asked before (Carry).
func (s Secrets) SetHeaders(r *http.Request, headers map[string]string) error {
	for name, value := range headers {
		v, err := s.Value(value)
		if err == nil && !httpguts.ValidHeaderFieldValue(v) {
			err = errors.New("the secret holds control characters")
		}
		if err != nil {
			return fmt.Errorf("header %s: %w", name, err)
		}
		r.Header.Set(name, v)
	}
	return nil
}
