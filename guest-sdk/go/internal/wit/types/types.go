// Package types has what the generated bindings say options, results and tuples with.
package types

// The cases of an Option and a Result.
const (
	OptionNone = 0
	OptionSome = 1
	ResultOk   = 0
	ResultErr  = 1
)

// Unit is no value.
type Unit struct{}

// Tuple2 is a pair.
type Tuple2[A, B any] struct {
	F0 A
	F1 B
}

// Option is a value or none.
type Option[T any] struct {
	value *T
}

// Some is an option with a value.
func Some[T any](value T) Option[T] { return Option[T]{&value} }

// None is an option without one.
func None[T any]() Option[T] { return Option[T]{} }

// Maybe is the value that the pointer leads to, if it leads anywhere.
func Maybe[T any](value *T) Option[T] { return Option[T]{value} }

// Tag is OptionNone or OptionSome.
func (o Option[T]) Tag() uint8 {
	if o.value == nil {
		return OptionNone
	}
	return OptionSome
}

// Some is the value. It panics when there is none.
func (o Option[T]) Some() T { return *o.value }

// Pointer leads to the value, or is nil.
func (o Option[T]) Pointer() *T { return o.value }

// Result is a value or an error.
type Result[T, E any] struct {
	value T
	err   *E
}

// Ok is a result with a value.
func Ok[T, E any](value T) Result[T, E] { return Result[T, E]{value: value} }

// Err is a result with an error.
func Err[T, E any](err E) Result[T, E] { return Result[T, E]{err: &err} }

// Tag is ResultOk or ResultErr.
func (r Result[T, E]) Tag() uint8 {
	if r.err == nil {
		return ResultOk
	}
	return ResultErr
}

// IsErr says whether it is an error.
func (r Result[T, E]) IsErr() bool { return r.err != nil }

// Ok is the value. It panics when there is none.
func (r Result[T, E]) Ok() T {
	if r.err != nil {
		panic("the result is an error")
	}
	return r.value
}

// Err is the error. It panics when there is none.
func (r Result[T, E]) Err() E { return *r.err }
