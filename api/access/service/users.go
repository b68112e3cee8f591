package service

import (
	"context"

	"google.golang.org/protobuf/types/known/emptypb"

	pb "nightjar/api/v1"

	"nightjar/api/access/signin"
)

// users serves UserService.
type users struct {
	pb.UnimplementedUserServiceServer
	users    *signin.Users
	sessions *signin.Sessions // nil: there are none
}

// CreateUser makes a user.
func (s *users) CreateUser(ctx context.Context, in *pb.CreateUserRequest) (*pb.LocalUser, error) {
	v, password, err := s.users.Create(ctx, in.GetName(), in.GetRole(), in.GetPassword())
	return userAnswer(v, madeHere(in.GetPassword(), password)), err
}

// ListUsers shows all users.
func (s *users) ListUsers(context.Context, *pb.ListUsersRequest) (*pb.ListUsersResponse, error) {
	out := &pb.ListUsersResponse{}
	for _, v := range s.users.List() {
		u := userAnswer(v, "")
		for _, session := range list(s.sessions) { // the latest first
			if session.Provider != signin.Local || session.Name != v.Body.Name {
				continue
			}
			if u.Sessions++; u.Sessions == 1 {
				u.LastSignIn = shown(session.Begun)
			}
		}
		out.Users = append(out.Users, u)
	}
	return out, nil
}

// SetUserPassword gives a user another password.
func (s *users) SetUserPassword(ctx context.Context, in *pb.SetUserPasswordRequest) (*pb.LocalUser, error) {
	v, password, err := s.users.SetPassword(ctx, in.GetUserId(), in.GetPassword())
	return userAnswer(v, madeHere(in.GetPassword(), password)), err
}

// SetUserRole gives a user another role.
func (s *users) SetUserRole(ctx context.Context, in *pb.SetUserRoleRequest) (*pb.LocalUser, error) {
	v, err := s.users.SetRole(ctx, in.GetUserId(), in.GetRole())
	return userAnswer(v, ""), err
}

// DisableUser keeps a user from signing in.
func (s *users) DisableUser(ctx context.Context, in *pb.DisableUserRequest) (*pb.LocalUser, error) {
	v, err := s.users.Disable(ctx, in.GetUserId())
	return userAnswer(v, ""), err
}

// EnableUser lets a disabled user sign in again.
func (s *users) EnableUser(ctx context.Context, in *pb.EnableUserRequest) (*pb.LocalUser, error) {
	v, err := s.users.Enable(ctx, in.GetUserId())
	return userAnswer(v, ""), err
}

// DeleteUser ends a user.
func (s *users) DeleteUser(ctx context.Context, in *pb.DeleteUserRequest) (*emptypb.Empty, error) {
	_, err := s.users.Delete(ctx, in.GetUserId())
	return &emptypb.Empty{}, err
}

// madeHere is the password where the caller does not know it.
func madeHere(given, password string) string {
	if given != "" {
		return ""
	}
	return password
}

func userAnswer(v signin.StoredUser, password string) *pb.LocalUser {
	return &pb.LocalUser{Id: v.ID, Name: v.Body.Name, Role: v.Body.Role, Password: password, Created: shown(v.CreatedAt), Disabled: v.Body.Disabled}
}
