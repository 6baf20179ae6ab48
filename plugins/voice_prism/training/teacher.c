/* The teacher: reads lines of "id<TAB>shift span rise stretch<TAB>text", synthesizes each with flite, writes
 * DIR/id.wav, and prints one line of labels per sentence:
 *
 *   id  sample_rate  samples  text  segments  f0
 *
 * The fields are separated by TABs. Segments are "phone:end:stress:word_start:word" (end in seconds; the word only on
 * its first segment, else "_"). f0 is in tenths of Hz, every 5 ms (0: unvoiced). Both lists are separated by spaces.
 * With "-" in place of DIR no audio is written.
 *
 * The four numbers are the delivery: the pitch moves by "shift" semitones, its distance from its mean (in semitones) is
 * multiplied by "span", the pitch rises by "rise" semitones over the last 0.35 s before the final silence, and all
 * durations are multiplied by "stretch". "0 1 0 1" is the teacher unchanged. The changed pitch drives the teacher's own
 * synthesis filter, so nothing is resampled.
 *
 * "teacher VOICE lexicon" reads words instead and prints "word  known  phones" for each, with the phones of flite's
 * lexicon and letter-to-sound rules.
 *
 * Build: cc -O2 teacher.c -o teacher -lflite_cmu_us_slt -lflite_cmu_us_rms -lflite_usenglish -lflite_cmulex -lflite -lm
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <flite/flite.h>
#include <flite/cst_cg.h>

cst_voice *register_cmu_us_slt(const char *);
cst_voice *register_cmu_us_rms(const char *);

static void print_segments(cst_utterance *utterance) {
  for (cst_item *s = relation_head(utt_relation(utterance, "Segment")); s; s = item_next(s)) {
    cst_item *in_syllable = item_as(s, "SylStructure");
    const char *word = "_";
    int word_start = 0;
    if (in_syllable && item_parent(in_syllable) && item_parent(item_parent(in_syllable))) {
      word_start = !item_prev(in_syllable) && !item_prev(item_parent(in_syllable));
      if (word_start) word = item_feat_string(item_parent(item_parent(in_syllable)), "name");
    }
    printf("%s:%.4f:%s:%d:%s ", item_feat_string(s, "name"), item_feat_float(s, "end"),
           ffeature_string(s, "R:SylStructure.parent.stress"), word_start, word);
  }
}

static void print_f0(cst_utterance *utterance) {
  if (!feat_present(utterance->features, "param_track")) return;
  cst_track *track = val_track(feat_val(utterance->features, "param_track"));
  for (int i = 0; i < track->num_frames; i++) printf("%d ", (int)(track->frames[i][0] * 10 + 0.5f));
}

#define RISING 0.35 /* seconds */

/* Change the pitch of the parameters, and run the voice's synthesis filter again. */
static cst_wave *resynthesize(cst_utterance *utterance, double shift, double span, double rise) {
  cst_cg_db *db = val_cg_db(feat_val(utterance->features, "cg_db"));
  cst_track *track = val_track(feat_val(utterance->features, "param_track"));
  cst_track *strengths = db->mixed_excitation ? val_track(feat_val(utterance->features, "str_track")) : NULL;
  double mean = 0, end = 0;
  int voiced = 0;
  for (cst_item *s = relation_head(utt_relation(utterance, "Segment")); s; s = item_next(s))
    if (strcmp(item_feat_string(s, "name"), "pau")) end = item_feat_float(s, "end");
  for (int i = 0; i < track->num_frames; i++)
    if (track->frames[i][0] > 0) mean += log(track->frames[i][0]), voiced++;
  mean /= voiced ? voiced : 1;
  for (int i = 0; i < track->num_frames; i++) {
    if (track->frames[i][0] <= 0) continue;
    double along = (i * 0.005 - (end - RISING)) / RISING;
    double ramp = along < 0 ? 0 : along > 1 ? 1 : along * along * (3 - 2 * along);
    double pitch = mean + (log(track->frames[i][0]) - mean) * span + (shift + rise * ramp) * log(2) / 12;
    track->frames[i][0] = exp(fmin(fmax(pitch, log(55)), log(450)));
  }
  if (!db->do_mlpg) return mlsa_resynthesis(track, strengths, db, NULL, 0);
  cst_track *smoothed = mlpg(track, db);
  cst_wave *wave = mlsa_resynthesis(smoothed, strengths, db, NULL, 0);
  delete_track(smoothed);
  return wave;
}

static int lexicon(cst_voice *voice) {
  char word[256];
  cst_lexicon *words = val_lexicon(feat_val(voice->features, "lexicon"));
  while (fgets(word, sizeof word, stdin)) {
    word[strcspn(word, "\n")] = 0;
    cst_val *phones = lex_lookup(words, word, NULL, NULL);
    printf("%s\t%d\t", word, in_lex(words, word, NULL, NULL));
    for (const cst_val *p = phones; p; p = val_cdr(p)) printf("%s%s", val_string(val_car(p)), val_cdr(p) ? " " : "");
    printf("\n");
    delete_val(phones);
  }
  return 0;
}

int main(int count, char **args) {
  static char line[1024];
  char path[4096];
  if (count != 3) {
    fprintf(stderr, "usage: teacher slt|rms DIR|-|lexicon\n");
    return 2;
  }
  flite_init();
  cst_voice *voice = strcmp(args[1], "rms") ? register_cmu_us_slt(NULL) : register_cmu_us_rms(NULL);
  if (!strcmp(args[2], "lexicon")) return lexicon(voice);
  while (fgets(line, sizeof line, stdin)) {
    char *text = strchr(line, '\t');
    if (!text) continue;
    *text++ = 0;
    text[strcspn(text, "\n")] = 0;
    double shift, span, rise, stretch;
    int used = 0;
    if (sscanf(text, "%lf %lf %lf %lf%n", &shift, &span, &rise, &stretch, &used) != 4 || text[used] != '\t') {
      fprintf(stderr, "teacher: %s: write \"shift span rise stretch\" and a TAB before the text\n", line);
      return 1;
    }
    text += used + 1;
    feat_set_float(voice->features, "duration_stretch", stretch);
    cst_utterance *utterance = flite_synth_text(text, voice);
    if (!utterance) {
      fprintf(stderr, "teacher: cannot synthesize %s: %s\n", line, text);
      return 1;
    }
    int changed = shift != 0 || span != 1 || rise != 0;
    cst_wave *wave = changed ? resynthesize(utterance, shift, span, rise) : utt_wave(utterance);
    if (strcmp(args[2], "-")) {
      snprintf(path, sizeof path, "%s/%s.wav", args[2], line);
      cst_wave_save_riff(wave, path);
    }
    printf("%s\t%d\t%d\t%s\t", line, wave->sample_rate, wave->num_samples, text);
    print_segments(utterance);
    printf("\t");
    print_f0(utterance);
    printf("\n");
    fflush(stdout);
    if (changed) delete_wave(wave);
    delete_utterance(utterance);
  }
  return 0;
}
