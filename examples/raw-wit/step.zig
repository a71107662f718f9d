//! A step in Zig, on the C bindings of the world `step` and nothing else: small orders are
//! approved at once, for others somebody is asked.

const std = @import("std");

const allocator = std.heap.c_allocator;

/// Text as the bindings have it. Whoever gets one owns it, and frees it with C's `free`.
const Text = extern struct {
    ptr: [*]const u8,
    len: usize,

    fn of(text: []const u8) Text {
        return .{ .ptr = text.ptr, .len = text.len };
    }

    fn slice(self: Text) []const u8 {
        return self.ptr[0..self.len];
    }
};

const OptionalText = extern struct { is_some: bool = false, val: Text = Text.of("") };

const Failure = extern struct {
    name: Text,
    message: Text,
    stack: OptionalText = .{},
    retryable: bool,
};

const Links = extern struct { resume_url: Text, cancel_url: Text, approval_url: Text, scheduled: bool };

const FlowError = extern struct { tag: u8, message: Text };

extern fn waystation_step_flow_suspend(timeout_ms: ?*const u64, links: *Links, err: *FlowError) bool;

const Props = struct { total: f64 };

/// What the host calls, by the name that the bindings want. True: `result` is set.
export fn exports_step_handler(props: *const Text, result: *OptionalText, failure: *Failure) bool {
    result.* = .{};
    const returned = run(props.slice()) catch |err| {
        failure.* = .{
            .name = owned(@errorName(err)),
            .message = owned("the order could not be looked at"),
            .retryable = err != error.InvalidProps,
        };
        return false;
    };
    result.* = .{ .is_some = true, .val = Text.of(returned) };
    return true;
}

fn run(props: []const u8) ![]const u8 {
    const order = std.json.parseFromSlice(Props, allocator, props, .{ .ignore_unknown_fields = true }) catch
        return error.InvalidProps;
    if (order.value.total < 100) return allocator.dupe(u8, "{\"approved\":true}");
    var links: Links = undefined;
    var refusal: FlowError = undefined;
    const day: u64 = 24 * 60 * 60 * 1000;
    if (!waystation_step_flow_suspend(&day, &links, &refusal)) return error.Refused;
    return allocator.dupe(u8, "{\"asked\":true}");
}

/// The bindings free what a failure says.
fn owned(text: []const u8) Text {
    return Text.of(allocator.dupe(u8, text) catch @panic("out of memory"));
}
