/* The teacher: reads "id<TAB>text" lines, speaks each with flite, writes DIR/id.wav and one line of labels a sentence:
 *
 *   id  sample_rate  samples  text  segments  f0
 *
 * with TAB between, segments as "phone:end:stress:word_start:word" (end in seconds; word only on its first segment, else "_"),
 * and f0 in tenths of Hz every 5 ms (0: unvoiced), both separated by spaces. Without DIR ("-") no sound is written.
 * "teacher VOICE lexicon" reads words instead and prints "word  known  phones", phones as flite's lexicon and letter-to-sound rules give them.
 *
 * Build: cc -O2 teacher.c -o teacher -lflite_cmu_us_slt -lflite_cmu_us_rms -lflite_usenglish -lflite_cmulex -lflite -lm
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <flite/flite.h>

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
  const cst_val *value = feat_present(utterance->features, "param_track") ? feat_val(utterance->features, "param_track") : NULL;
  if (!value) return;
  cst_track *track = val_track(value);
  for (int i = 0; i < track->num_frames; i++) printf("%d ", (int)(track->frames[i][0] * 10 + 0.5f));
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
    cst_utterance *utterance = flite_synth_text(text, voice);
    if (!utterance) {
      fprintf(stderr, "teacher: cannot speak %s: %s\n", line, text);
      return 1;
    }
    cst_wave *wave = utt_wave(utterance);
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
    delete_utterance(utterance);
  }
  return 0;
}
