package api

import pb "nightjar/api/v1"

// TheAuthor is who wrote everything, as far as what is stored says: the audit log alone has
// who it was.
func TheAuthor() *pb.User { return &pb.User{Handle: Author.Handle, Name: Author.Name} }

// Author is who changed what callers change, as the reference shows it.
var Author = struct {
	ID                 int64
	Handle, Name, UUID string
}{1, "nightjar", "nightjar", "00000000-0000-0000-0000-000000000001"}
