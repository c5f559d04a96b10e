/* One model of the ladder that calibrate climbs, fitted to some of the rows. */
#ifndef CALIBRATE_MODEL_H
#define CALIBRATE_MODEL_H

#include "score/calibrate.h"

enum calibrate_kind {
	MODEL_SCALED, /* the priors, all made flatter or steeper together: two numbers */
	MODEL_CURVES, /* curves and weights signal by signal */
	N_MODELS
};

struct model {
	struct curve *curves; /* by signal; n 0: what the prior says */
	double intercept;     /* added to the usual account's logit */
};

/* rows: indices into in->rows. The model lives in a. */
void model_fit(const struct calibrate_input *in, enum calibrate_kind kind, const size_t *rows, size_t n,
               struct arena *a, struct model *out);
/* Fits the intercept anew, for curves that were made flatter or steeper. */
void model_settle(const struct calibrate_input *in, const size_t *rows, size_t n, struct arena *a, struct model *m);
/* What signals without a curve say together, in logits. */
double model_unfitted(const struct calibrate_input *in, const struct model *m, size_t row);
/* What curves and intercept say together: what a slope may make flatter. */
double model_fitted(const struct calibrate_input *in, const struct model *m, size_t row);

#endif
