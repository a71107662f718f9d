//! seccomp: which calls of the system are answered.
//!
//! The list is of what is allowed, so that calls which nobody thought of are closed. To a closed
//! one the system answers that it does not know it: libraries then take the older way, which for
//! threads is one whose arguments can be looked at.

use std::collections::BTreeMap;
use std::io;

use libc::c_long;
use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

/// Memory, time, randomness, threads that are there, files that are open or that Landlock lets
/// be opened, and the end.
const ALLOWED: &[c_long] = &[
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_madvise,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_rseq,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sysinfo,
    libc::SYS_uname,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_ftruncate,
    libc::SYS_flock,
    libc::SYS_openat,
    libc::SYS_getdents64,
    libc::SYS_mkdirat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_unlinkat,
    libc::SYS_readlinkat,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_getcwd,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Older names for the same, where the machine has them.
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: &[c_long] = &[
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_mkdir,
    libc::SYS_rename,
    libc::SYS_unlink,
    libc::SYS_rmdir,
    libc::SYS_readlink,
    libc::SYS_access,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[c_long] = &[];

/// `PR_SET_VMA` of `prctl`, which gives memory a name.
const NAME_MEMORY: u64 = 0x5356_4d41;

/// Closes all other calls. False if the system, or the library on this kind of processor, can't.
pub(super) fn close() -> io::Result<bool> {
    let Ok(arch) = TargetArch::try_from(std::env::consts::ARCH) else { return Ok(false) };
    let program = program(arch).map_err(io::Error::other)?;
    match seccompiler::apply_filter(&program) {
        Ok(()) => Ok(true),
        Err(seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error))
            if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL)) =>
        {
            Ok(false)
        }
        Err(error) => Err(io::Error::other(error)),
    }
}

fn program(arch: TargetArch) -> Result<BpfProgram, BackendError> {
    let always = ALLOWED.iter().chain(ALLOWED_HERE).map(|&call| (call, Vec::new()));
    let mut rules: BTreeMap<c_long, Vec<SeccompRule>> = always.collect();
    rules.extend(with_conditions()?);
    let unknown = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    SeccompFilter::new(rules, unknown, SeccompAction::Allow, arch)?.try_into()
}

/// What depends on its arguments.
fn with_conditions() -> Result<Vec<(c_long, Vec<SeccompRule>)>, BackendError> {
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    let myself = u64::from(std::process::id());
    let is = |argument, value: libc::c_int| only(argument, Dword, Eq, value.unsigned_abs().into());
    Ok(vec![
        // Threads, and no processes, which would outlive this one.
        (libc::SYS_clone, vec![rule([only(0, Qword, MaskedEq(thread), thread)?])?]),
        // To itself: how a process aborts.
        (libc::SYS_tgkill, vec![rule([only(0, Dword, Eq, myself)?])?]),
        // To look at a bound of its own, and not to change it.
        (libc::SYS_prlimit64, vec![rule([only(0, Dword, Eq, 0)?, only(2, Qword, Eq, 0)?])?]),
        // To name a thread or memory.
        (
            libc::SYS_prctl,
            vec![rule([is(0, libc::PR_SET_NAME)?])?, rule([only(0, Dword, Eq, NAME_MEMORY)?])?],
        ),
        // Not to choose who gets signals about a file.
        (
            libc::SYS_fcntl,
            vec![
                rule([is(1, libc::F_GETFD)?])?,
                rule([is(1, libc::F_SETFD)?])?,
                rule([is(1, libc::F_GETFL)?])?,
                rule([is(1, libc::F_DUPFD_CLOEXEC)?])?,
            ],
        ),
    ])
}

fn only(
    argument: u8,
    length: SeccompCmpArgLen,
    compare: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, length, compare, value)
}

/// All of them together.
fn rule<const N: usize>(conditions: [SeccompCondition; N]) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions.into())
}
