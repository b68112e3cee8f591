package api

import (
	"cmp"
	"context"

	"nightjar/api/access"
	pb "nightjar/api/v1"
)

// AuthorOf is the handle of who makes a call: the name of their key, or theirs.
func AuthorOf(ctx context.Context) string { return cmp.Or(access.Of(ctx).Name, Author.Handle) }

// TheAuthor is who wrote what users configure, as far as that says: the audit log has who it
// was.
func TheAuthor() *pb.User { return &pb.User{Handle: Author.Handle, Name: Author.Name} }

// Author is who changed what callers change, as the reference shows it.
var Author = struct {
	ID                 int64
	Handle, Name, UUID string
}{1, "nightjar", "nightjar", "00000000-0000-0000-0000-000000000001"}
