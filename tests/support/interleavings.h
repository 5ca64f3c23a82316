// Every interleaving of a few small threads, one atomic operation at a time: a model checker for what is
// written against a Platform (pipeline/parker.h). Sequentially consistent interleavings only: what a weaker
// memory order alone could break is for ThreadSanitizer and the orders' own argument.
#pragma once

#include <ucontext.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_set>
#include <vector>

namespace penstock::test {

/// Runs the threads of a case again and again, as fibers, each time in an order that was not seen before. A
/// thread's state is the sequence of values that it has read, so a state that was reached in another way is
/// not explored twice. Threads must be deterministic, and own nothing that needs a destructor: a run that
/// meets a known state is dropped where it stands.
class Interleavings {
  public:
    using Program = std::function<void()>;
    struct Result {
        uint64_t runs = 0, states = 0;
        std::string fault;  ///< empty: none in any interleaving; else what, and the order of threads
    };
    /// `make` builds a fresh case: one program a thread. `states_max` bounds the work; reaching it is a
    /// fault.
    static Result explore(const std::function<std::vector<Program>()>& make,
                          uint64_t states_max = 5'000'000) {
        Interleavings model(make, states_max);
        current_ = &model;
        model.run_all();
        current_ = nullptr;
        return model.result_;
    }
    /// Called by a program that sees what must not be.
    static void fault(const std::string& what) { current_->failed(what); }

    /// Called by a program where `local` is all that it knows: what it has read before no longer matters.
    static void knows_only(uint64_t local) {
        Thread& t = current_->threads_[current_->now_];
        t.history = mix(local + 1) + current_->now_;
        t.steps = 0;
    }

    /// An atomic whose every operation is a point where another thread may go first.
    template <typename T>
    class Atomic {
      public:
        Atomic(T value = {}) : value_(value), id_(current_->next_location_++) {
            current_->changed(id_, 0, hash());
        }
        T load(std::memory_order = std::memory_order_seq_cst) const {
            current_->step();
            current_->saw(id_, static_cast<uint64_t>(value_));
            return value_;
        }
        void store(T value, std::memory_order = std::memory_order_seq_cst) {
            current_->step();
            set(value);
        }
        T exchange(T value, std::memory_order = std::memory_order_seq_cst) {
            current_->step();
            const T before = value_;
            current_->saw(id_, static_cast<uint64_t>(before));
            set(value);
            return before;
        }

      private:
        friend class Interleavings;
        uint64_t hash() const { return mix(id_ * 0x9e3779b97f4a7c15ULL + static_cast<uint64_t>(value_) + 1); }
        void set(T value) {
            const uint64_t before = hash();
            value_ = value;
            current_->changed(id_, before, hash());
        }
        T value_;
        uint64_t id_;
    };

    /// For BasicParker and BroadcastRing. No timeouts: who is not woken sleeps for ever, and that is a fault.
    struct Platform {
        template <typename T>
        using Atomic = Interleavings::Atomic<T>;
        static void wait(Atomic<uint32_t>& word, uint32_t expected, int64_t) {
            current_->step();
            current_->saw(word.id_, word.value_);
            if (word.value_ == expected) current_->sleep(word.id_);
        }
        static void wake_one(Atomic<uint32_t>& word) {
            current_->step();
            current_->wake(word.id_);
        }
    };

  private:
    static constexpr size_t kStackBytes = 64 * 1024;
    static constexpr uint64_t kAwake = ~uint64_t{0};
    struct Thread {
        ucontext_t context{};
        std::unique_ptr<char[]> stack{new char[kStackBytes]};
        Program program;
        uint64_t history = 0;  ///< of the values read
        uint64_t steps = 0;
        uint64_t asleep_on = kAwake;
        bool done = false;
    };
    struct Choice {
        std::vector<size_t> enabled;
        size_t taken = 0;
    };

    Interleavings(const std::function<std::vector<Program>()>& make, uint64_t states_max)
        : make_(make), states_max_(states_max) {}

    static uint64_t mix(uint64_t x) {
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
        return x ^ (x >> 31);
    }

    void run_all() {
        do {
            run_one();
            ++result_.runs;
            if (!result_.fault.empty()) return;
            while (!choices_.empty() && choices_.back().taken + 1 == choices_.back().enabled.size())
                choices_.pop_back();
            if (!choices_.empty()) ++choices_.back().taken;
        } while (!choices_.empty());
        result_.states = seen_.size();
    }

    void run_one() {
        next_location_ = memory_ = 0;
        const std::vector<Program> programs = make_();
        threads_.resize(programs.size());
        for (size_t i = 0; i < programs.size(); ++i) {
            Thread& t = threads_[i];
            t.program = programs[i];
            t.history = i, t.steps = 0, t.asleep_on = kAwake, t.done = false;
            getcontext(&t.context);
            t.context.uc_stack = {t.stack.get(), 0, kStackBytes};
            t.context.uc_link = &scheduler_;
            makecontext(&t.context, reinterpret_cast<void (*)()>(&Interleavings::entry), 0);
        }
        running_ = true;
        for (size_t depth = 0;; ++depth) {
            if (depth == choices_.size()) {
                if (!seen_.insert(state()).second) return;  // known from here on
                if (seen_.size() > states_max_) return failed("more states than states_max");
                Choice choice;
                for (size_t i = 0; i < threads_.size(); ++i)
                    if (!threads_[i].done && threads_[i].asleep_on == kAwake) choice.enabled.push_back(i);
                if (choice.enabled.empty()) {
                    for (const Thread& t : threads_)
                        if (!t.done) return failed("a thread sleeps and nobody will wake it");
                    return;
                }
                choices_.push_back(std::move(choice));
            }
            now_ = choices_[depth].enabled[choices_[depth].taken];
            swapcontext(&scheduler_, &threads_[now_].context);
            if (!result_.fault.empty()) return;
        }
    }
    static void entry() {
        Interleavings& model = *current_;
        Thread& t = model.threads_[model.now_];
        t.program();
        t.done = true;  // uc_link goes back to the scheduler
    }

    uint64_t state() const {
        uint64_t h = memory_;
        for (const Thread& t : threads_)
            h = mix(h ^ t.history) + mix(t.steps * 4 + t.done) + mix(t.asleep_on + 17);
        return h;
    }
    /// The next operation is the thread's own only when the scheduler comes back to it. While a case is built
    /// there is no scheduler yet.
    void step() {
        if (!running_) return;
        Thread& t = threads_[now_];
        ++t.steps;
        swapcontext(&t.context, &scheduler_);
    }
    void saw(uint64_t location, uint64_t value) {
        if (running_) threads_[now_].history = mix(threads_[now_].history * 31 + mix(location) + value);
    }
    void changed(uint64_t, uint64_t before, uint64_t after) { memory_ += after - before; }
    void sleep(uint64_t location) {
        Thread& t = threads_[now_];
        t.asleep_on = location;
        swapcontext(&t.context, &scheduler_);
    }
    void wake(uint64_t location) {
        for (Thread& t : threads_)
            if (t.asleep_on == location) {
                t.asleep_on = kAwake;
                return;
            }
    }
    void failed(const std::string& what) {
        if (!result_.fault.empty()) return;
        result_.fault = what + "; order of threads:";
        for (const Choice& c : choices_) result_.fault += " " + std::to_string(c.enabled[c.taken]);
    }

    static inline Interleavings* current_ = nullptr;
    const std::function<std::vector<Program>()> make_;
    const uint64_t states_max_;
    std::vector<Thread> threads_;
    ucontext_t scheduler_{};
    size_t now_ = 0;
    bool running_ = false;
    uint64_t next_location_ = 0;
    uint64_t memory_ = 0;  ///< hash of all atomics' values
    std::vector<Choice> choices_;
    std::unordered_set<uint64_t> seen_;
    Result result_;
};

}  // namespace penstock::test
