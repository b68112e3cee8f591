package api

import (
	"context"
	"fmt"

	"nightjar/api/access"
)

// MayNameSecrets says why the caller may not name secrets of which the operator did not
// say where they may be sent. Who could, would have any of them sent to himself.
func MayNameSecrets(ctx context.Context, unsaid []string) error {
	if len(unsaid) == 0 || access.Of(ctx).Check(access.ManageKeys) == nil {
		return nil
	}
	name := unsaid[0]
	return &Error{Code: CodePermissionDenied, Target: "secret", Message: fmt.Sprintf("Forbidden: the operator did not say where secret %s may be sent, so only an administrator (%s) may name it, or send it to another address; "+
		"ask one, or have the engine started with --outbound-secret %s=ADDRESS", name, access.ManageKeys, name)}
}
