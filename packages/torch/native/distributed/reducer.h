// c10d's reducer of gradients.
#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <vector>

#include "../backward_step.h"
#include "group.h"

namespace salmask::distributed {

struct ReducerSettings {
  std::vector<at::Tensor> parameters;
  std::vector<std::string> names;
  std::shared_ptr<Group> group;
  int64_t firstBucketBytes, bucketBytes;
};

/** Makes the gradients of parameters their mean over ranks, bucket after bucket while the backward pass goes on. */
class Reducer : public BackwardStep {
 public:
  explicit Reducer(const ReducerSettings& settings);
  ~Reducer() override;

  /** Parameters that have a gradient but are not reached from the roots become roots, with a gradient of 0. */
  void prepare(std::vector<at::Tensor>& roots, std::vector<at::Tensor>& gradients) override;
  void failed() noexcept override;

 private:
  struct Open;
  const std::vector<at::Tensor> parameters_;
  const std::shared_ptr<Group> group_;
  std::unique_ptr<Open> reducer_;
  int64_t calls_ = 0, bytes_ = 0;
};

napi_value reducerCreate(const Arguments&);
napi_value reducerPrepare(const Arguments&);
napi_value reducerReduce(const Arguments&);
napi_value reducerRelease(const Arguments&);

}  // namespace salmask::distributed
